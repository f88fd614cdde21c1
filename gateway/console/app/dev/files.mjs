// Files of the made-up privacy office: holds, demands, cases, transfers, consents, and the trail of all of them.
const DAY = 86_400_000;
const iso = (t = Date.now()) => new Date(t).toISOString();
const id = (n) => `018f2b7a-0000-7000-8000-0000000000${n}`;
export const fileIds = { hold: id("a1"), proposed: id("a2"), demand: id("d1"), case: id("c1"), transfer: id("f1") };

let n = 0;
export const steps = (stream, now, ...types) => types.map(([type, actor, hours, facts = {}]) => ({ n: ++n, stream, type, actor, at: iso(now - hours * 3_600_000), facts }));

const maya = "agent-maya";
const tomasz = "agent-tomasz";
const hold = (over) => ({ by: maya, overdue: false, missing: 0, destroyed_on_release: 0, updated_at: over.review, ...over });

export function files(now) {
  const holds = [
    hold({ id: fileIds.hold, state: "placed", ground: "LegalClaimDefenceImpaired", approved_by: tomasz, scope: { subjects: ["customer-1"] }, review: iso(now + 120 * DAY), keys: 412, missing: 3 }),
    hold({ id: fileIds.proposed, state: "proposed", pending: "place", ground: "LegallyExempted", by: tomasz, proposed_by: tomasz, scope: { tickets: ["0192f100004"] }, review: iso(now + 180 * DAY), keys: 57 }),
    hold({ id: id("a3"), state: "placed", pending: "release", ground: "LegalClaimEstablishmentImpaired", proposed_by: maya, scope: { subjects: ["customer-2"] }, review: iso(now - 4 * DAY), overdue: true, keys: 88 }),
  ];
  const demands = [
    { id: fileIds.demand, kind: "court", recipient: "court-hamburg", state: "approved_once", scope: { subjects: ["customer-1"] }, due: iso(now + 14 * DAY), hold: fileIds.hold, by: tomasz, approved_by: [tomasz], segments: 0, withheld: 0, updated_at: iso(now - DAY) },
    { id: id("d2"), kind: "authority", recipient: "police-lisbon", state: "delivered", scope: { subjects: ["customer-3"] }, gag: iso(now + 60 * DAY), by: maya, approved_by: [maya, tomasz], segments: 44, withheld: 6, digest: "9e12".repeat(16), notices: [{ customer: "customer-3", until: iso(now + 60 * DAY), sent: false }], updated_at: iso(now - 5 * DAY) },
  ];
  const cases = [
    { id: fileIds.case, kind: "fraud", state: "open", by: tomasz, until: iso(now + 21 * DAY), subjects: ["customer-4"], notes: 2, read: 1, asked: [{ agent: maya, reason: "handling", until: iso(now + 3 * DAY) }, { agent: tomasz, reason: "review", until: iso(now + DAY) }], granted: [], updated_at: iso(now - DAY) },
  ];
  const transfers = [
    { id: fileIds.transfer, acquirer: "southshore-gmbh", state: "exported", subject: "Northwind becomes part of Southshore", effective: iso(now + 90 * DAY), object_by: iso(now + 60 * DAY), queued: 9120, skipped: 14, events: 481_200, digest: "77aa".repeat(16), state_digest: "51bd".repeat(16), updated_at: iso(now - DAY) },
    { id: id("f2"), acquirer: "", state: "expected", queued: 0, skipped: 0, events: 0, keys: "hub1:7Jr2c0Yp5x", updated_at: iso(now - 3 * DAY) },
  ];
  return {
    holds, demands, cases, transfers,
    consents: [{ customer: "customer-0", purpose: "promo", channel: "email", state: "live", since: iso(now - 200 * DAY), method: "link" }],
    trail: [
      ...steps(`hold-${fileIds.hold}`, now, ["LegalHoldProposed", `agent:${maya}`, 960], ["LegalHoldPlaced", `agent:${tomasz}`, 958]),
      ...steps(`demand-${fileIds.demand}`, now, ["LegalDemandReceived", `agent:${tomasz}`, 60], ["LegalDemandReviewed", `agent:${tomasz}`, 50, { valid: true, reason: "court-order" }], ["LegalDisclosureApproved", `agent:${tomasz}`, 40]),
      ...steps(`case-${fileIds.case}`, now, ["InvestigationOpened", `agent:${tomasz}`, 200], ["CaseAccessAsked", `agent:${maya}`, 30]),
      ...steps(`transfer-${fileIds.transfer}`, now, ["BusinessTransferAnnounced", `agent:${maya}`, 400], ["TransferNoticed", "system:privacy", 390], ["TenantExportSealed", `agent:${maya}`, 20]),
      ...steps("customer-customer-0", now, ["ConsentRequested", `agent:${maya}`, 4900, { purpose: "promo" }], ["ConsentGranted", "customer:customer-0", 4890, { purpose: "promo", method: "link" }]),
    ],
    given: [{ recipient: "police-lisbon", customer: "customer-3", purpose: "legal", categories: ["C-CONTACT", "C-COMM"], about: id("d2"), at: iso(now - 5 * DAY) }, { recipient: "archive", customer: "customer-5", purpose: "backup", categories: null, refused: "suspended", at: iso(now - 9 * DAY) }],
  };
}

const lists = { holds: "holds", disclosures: "demands", cases: "cases", transfers: "transfers" };
const over = new Set(["released", "declined", "invalid", "delivered", "closed", "shredded", "imported"]);

/** The answer to a reading, or undefined when the address is another's. */
export function readFiles(o, path, query) {
  let m;
  if ((m = /^\/privacy\/(holds|disclosures|cases|transfers)$/.exec(path))) {
    const state = query.get("state") ?? "open";
    return { items: o[lists[m[1]]].filter((x) => state === "all" || over.has(x.state) === (state === "closed")), next: "" };
  }
  if (/^\/privacy\/(holds|disclosures)\/[^/]+\/matter$/.test(path)) return { title: "7 O 12/26", authority: "LG Hamburg", reference: "7 O 12/26" };
  if ((m = /^\/privacy\/(holds|disclosures|cases|transfers)\/([^/]+)$/.exec(path))) {
    const item = o[lists[m[1]]].find((x) => x.id === m[2]);
    return item && { item, steps: o.trail.filter((s) => s.stream.endsWith(m[2])) };
  }
  switch (path) {
    case "/privacy/trail": return { items: o.trail.filter((s) => !query.get("family") || s.stream.startsWith(query.get("family"))).toReversed(), next: "" };
    case "/privacy/recipients": return { items: o.given.filter((g) => !query.get("customer") || g.customer === query.get("customer")) };
    case "/privacy/consents": return {
      items: o.consents.filter((c) => c.customer === query.get("customer")), ledger: o.trail.filter((s) => s.stream === `customer-${query.get("customer")}`),
      purposes: [{ code: "promo", title: "News and offers by email" }, { code: "personalise", title: "Offers that fit me" }],
    };
  }
}

/** Does a command; its answer, or undefined when the address is another's. A string is a refusal. */
export function commandFiles(o, path, body, me) {
  const m = /^\/privacy\/(holds|disclosures|cases|transfers|consents)\/([^/]+)\/(\w+)$/.exec(path);
  if (!m) return undefined;
  const [, list, what, verb] = m;
  const note = (type, stream) => o.trail.push(...steps(stream, Date.now(), [type, `agent:${me.id}`, 0, body.purpose ? { purpose: body.purpose } : {}]));
  if (list === "consents") {
    const c = o.consents.find((x) => x.customer === what && x.purpose === body.purpose);
    if (c) c.state = verb === "withdraw" ? "withdrawn" : "asked";
    else o.consents.push({ customer: what, purpose: body.purpose, channel: "email", state: "asked", since: iso() });
    note(verb === "withdraw" ? "ConsentWithdrawn" : "ConsentRequested", `customer-${what}`);
    return {};
  }
  const x = o[lists[list]].find((y) => y.id === what);
  switch (`${list} ${verb}`) {
    case "holds release": case "holds extend": Object.assign(x, { pending: verb, proposed_by: me.id }); break;
    case "holds agree": Object.assign(x, { state: x.pending === "release" ? "released" : "placed", pending: "", approved_by: me.id }); break;
    case "holds decline": Object.assign(x, { state: x.pending === "place" ? "declined" : x.state, pending: "" }); break;
    case "disclosures review": x.state = body.valid ? "valid" : "invalid"; break;
    case "disclosures approve": if (x.approved_by.includes(me.id)) return "A second, different person has to agree."; x.approved_by.push(me.id); x.state = x.approved_by.length > 1 ? "approved" : "approved_once"; break;
    case "disclosures seal": Object.assign(x, { state: "sealed", segments: 44, withheld: 6, digest: "9e12".repeat(16) }); break;
    case "cases ask": x.asked.push({ agent: me.id, reason: body.reason, until: body.until }); break;
    case "cases grant": x.asked = x.asked.filter((a) => a.agent !== body.agent); x.granted.push({ agent: body.agent, approved_by: me.id, until: iso(Date.now() + DAY) }); break;
    case "cases read":
      if (!x.granted.some((g) => g.agent === me.id)) return "A second person has to let you into this file first.";
      x.read++;
      return { items: [{ at: iso(Date.now() - DAY), agent: tomasz, title: "Two cards, one address", text: "Both orders came within a minute." }] };
    case "transfers complete": x.state = "completed"; break;
    default: return undefined;
  }
  note(`${list}_${verb}`, `${list.replace(/s$/, "")}-${what}`);
  return { id: what };
}
