// The privacy office and the notices of the made-up hub: what they hold, how they answer, what their commands change.
import { commandFiles, files, readFiles, steps as stepsOf } from "./files.mjs";

const DAY = 86_400_000;
const iso = (t = Date.now()) => new Date(t).toISOString();
const ids = { erasure: "018f2b7a-5d1e-7c33-9f42-7b1f66aa0e01", access: "018f2b7a-5d1e-7c33-9f42-7b1f66aa0e02", objection: "018f2b7a-5d1e-7c33-9f42-7b1f66aa0e03", done: "018f2b7a-5d1e-7c33-9f42-7b1f66aa0e04" };

const request = (id, kind, now, age, left, over = {}) => ({
  id, kind, law: "gdpr", channel: "centre", customer: `customer-${Number(id.at(-1))}`, state: "verified", received_at: iso(now - age * DAY), ack_due: iso(now - (age - 3) * DAY), due: iso(now + left * DAY),
  extended_due: iso(now + (left + 61) * DAY), acknowledged: true, verified: true, doubted: false, extended: false, reminded: left < 5, fetched: false, updated_at: iso(now - DAY), ...over,
});

const steps = (now, ...types) => stepsOf("dsr-1", now, ...types);

const count = (category, cls, live, held = 0, exempt = 0) => ({ category, class: cls, live, held, exempt });

const sweep = (id, state, keys, now, days, over = {}) => ({
  id, state, keys, streams: Math.ceil(keys / 4), live: 184_220, oldest: iso(now - 731 * DAY), by_class: [{ class: "R-CONT", n: Math.ceil(keys * 0.7) }, { class: "R-MAILRAW", n: Math.floor(keys * 0.3) }], at: iso(now - days * DAY),
  previewed: iso(now - days * DAY), swept_at: state === "swept" ? iso(now - days * DAY) : null, destroyed: state === "swept" ? keys - 2 : 0, deferred: state === "swept" ? 2 : 0, spared: 0, archived: 0, auto: state === "swept",
  approvals: [], declined: "", digest: "5f0c".repeat(16), schedule: 3, ...over,
});

const rule = (cls, what, sentence, keep, clause, keys) => ({ class: cls, what, sentence, keep, anchor: "process", clause, keys });

const clause = (id) => ({ id, title: `Clause ${id}`, text: "" });
const policy = (name, effective, inForce, seed) => ({ policy: name, effective, in_force: inForce, material: true, supersedes: "", sha256: seed.repeat(16), matrix: [], clauses: ["1.1", "1.2", "2.1", "2.2", "2.3", "3.1"].map(clause) });

const notice = (id, title, state, over = {}) => ({
  id, state, revision: 2, created_at: iso(Date.now() - 2 * DAY), updated_at: iso(Date.now() - DAY), approved_at: null, started_at: null, finished_at: null, approver: null, started_by: null, pause_cause: "", listed: state !== "draft",
  drafters: [{ id: "agent-tomasz", name: "Tomasz Król" }], recipients: 0, outstanding: 0, seconds_left: 0, counts: {}, skipped: {},
  draft: { title, kind: "administrative", topic: "policy", rate: 60, mailbox: "", texts: [{ language: "en", subject: "We are changing our privacy policy", text: "Hello {{name}}," }], values: [], audience: {}, template: "" }, ...over,
});

export function office(now = Date.now()) {
  const requests = [
    request(ids.erasure, "erasure", now, 9, 21, { state: "approving" }),
    request(ids.access, "access", now, 27, 3, { channel: "mail" }),
    request(ids.objection, "objection", now, 33, -2, { verified: false, doubted: true, state: "doubted" }),
    request(ids.done, "rectification", now, 20, 10, { state: "closed", outcome: "done" }),
  ];
  const erasures = {
    [ids.erasure]: {
      request: ids.erasure, customer: requests[0].customer, law: "gdpr", phase: "approving", received_at: requests[0].received_at, verified_at: iso(now - 8 * DAY), due_at: requests[0].due, certified: false, deferred: 6,
      exempt: [{ article: "17(3)(b)", class: "R-INVOICE", ground: "LegallyExempted", keys: 2 }], recipients: [{ id: "mail-relay", answered: false, told: "operator" }],
      scope: { digest: "c4a1".repeat(16), persons: 1, streams: 14, counts: [count("C-CONTACT", "R-CONT", 18), count("C-COMM", "R-CONT", 96, 6), count("C-RAW", "R-MAILRAW", 41), count("C-PAY", "R-INVOICE", 0, 0, 2)] },
    },
  };
  return {
    requests, erasures, ids,
    steps: {
      [ids.erasure]: steps(now, ["RequestReceived", "customer:7c1e44d0", 216], ["RequesterVerified", "customer:7c1e44d0", 192], ["ErasureScoped", "process:erasure", 191]),
      [ids.access]: steps(now, ["RequestReceived", "process:intake", 648], ["RequestAcknowledged", "process:rights", 646], ["RequesterVerified", "customer:7c1e44d0", 600]),
      [ids.objection]: steps(now, ["RequestReceived", "agent:agent-tomasz", 792], ["RequesterDoubted", "agent:agent-tomasz", 700]),
      [ids.done]: steps(now, ["RequestReceived", "customer:7c1e44d0", 480], ["ContactRectified", "agent:agent-tomasz", 400], ["RequestClosed", "agent:agent-tomasz", 399]),
    },
    ...files(now),
    due: sweep("due", "due", 1240, now, 0),
    sweeps: [sweep("018f2b7a-0000-7000-8000-0000000000b1", "waiting", 18_400, now, 1, { approvals: ["agent-tomasz"] }), sweep("018f2b7a-0000-7000-8000-0000000000b2", "swept", 312, now, 2), sweep("018f2b7a-0000-7000-8000-0000000000b3", "swept", 287, now, 3)],
    clock: { at: iso(now), wall: iso(now), suspended: "" },
    schedule: {
      version: 3, at: iso(now - 90 * DAY), reason: "Shorter for raw mail", history: [{ version: 3, at: iso(now - 90 * DAY), reason: "Shorter for raw mail" }], longer: [], limits: { auto_floor: 50, auto_keys: 5000, auto_share_ppm: 10_000, clock_max_gap_s: 172_800, clock_step_s: 300 },
      rules: [
        rule("R-CONT", "Names, addresses and words of requests", "Two years after the request was closed", "P2Y", "2.1", 148_310), rule("R-MAILRAW", "Mail as it came", "Six months after it came", "P6M", "2.2", 31_902),
        rule("R-INVOICE", "What tax law wants kept", "Ten years after the end of the year", "P10Y", "2.3", 1204), rule("R-OUT", "Addresses of mail that was sent", "Ninety days after the last attempt", "P90D", "2.2", 2804),
      ],
    },
    processors: [
      { processor: "mail-relay", name: "Fjord Relay", service: "Sends mail", country: "NO", agreement: "DPA 2026-04", erasure: "privacy@fjord-relay.example", categories: ["C-CONTACT", "C-COMM"], purposes: ["support", "admin-message"], hosts: ["smtp.fjord-relay.example"], safeguard: "", since: iso(now - 300 * DAY), suspended: "" },
      { processor: "archive", name: "Kumo Archive", service: "Keeps copies of the store", country: "JP", agreement: "C-1182", erasure: "https://kumo.example/erasure", categories: ["C-COMM"], purposes: ["backup"], hosts: [], safeguard: "Adequacy decision (EU) 2019/419", since: iso(now - 120 * DAY), suspended: iso(now - 10 * DAY) },
    ],
    policies: [policy("2026-01", "2026-01-01T00:00:00Z", true, "a71f"), policy("2025-02", "2025-02-01T00:00:00Z", false, "0d3e")],
    access: [
      { n: 3, actor: "agent:agent-tomasz", role: "desk", purpose: "support", at: iso(now - 4 * 60_000), opened: 42, denied: 0, keys: [], matter: "", second: "" },
      { n: 2, actor: "agent:agent-maya", role: "officer", purpose: "rights_request", at: iso(now - 3 * 3_600_000), opened: 155, denied: 2, keys: [], matter: ids.access, second: "agent:agent-tomasz" },
      { n: 1, actor: "process:search", role: "index", purpose: "support", at: iso(now - 30 * 3_600_000), opened: 1840, denied: 0, keys: [], matter: "", second: "" },
    ],
    notices: [
      notice("n-1", "Policy of January", "draft"),
      notice("n-2", "Outage of 14 November", "sending", { drafters: [{ id: "agent-maya", name: "Maya Olsen" }], recipients: 12_480, outstanding: 4_310, seconds_left: 4200, counts: { accepted: 8102, deferred: 51, failed: 17 } }),
      notice("n-3", "Winter hours", "finished", { recipients: 9120, outstanding: 0, counts: { accepted: 9098, bounced: 22 } }),
      { ...notice("n-4", "Spring offers", "draft", { drafters: [{ id: "agent-maya", name: "Maya Olsen" }] }) },
    ],
  };
}

/** The answer to a reading, or undefined when the address is another's. */
export function readOffice(o, path, query) {
  const m = /^\/privacy\/requests\/([^/]+)(\/erasure)?$/.exec(path);
  if (m) {
    if (m[2]) return o.erasures[m[1]];
    const item = o.requests.find((r) => r.id === m[1]);
    return item && { item, steps: o.steps[m[1]] ?? [] };
  }
  const state = query.get("state") ?? "open";
  switch (path) {
    case "/privacy/requests": return { items: o.requests.filter((r) => state === "all" || !!r.outcome === (state === "closed")), next: "" };
    case "/privacy/schedule": return o.schedule;
    case "/privacy/preview": return { clock: o.clock, due: o.due };
    case "/privacy/sweeps": return { clock: o.clock, items: o.sweeps };
    case "/privacy/processors": return { items: o.processors };
    case "/privacy/registry": return { policies: o.policies, categories: [["C-CONTACT", "Name and address"], ["C-COMM", "Words of requests"], ["C-RAW", "Mail as it came"], ["C-PAY", "Payment"]].map(([id, title]) => ({ id, title, dpv: "" })), purposes: [], schedule: 3 };
    case "/privacy/audit": return { items: o.access, next: "" };
    case "/notices": return { items: o.notices, next: "" };
    default: return readFiles(o, path, query);
  }
}

const noticeStates = { approve: "approved", start: "sending", pause: "paused", resume: "sending", cancel: "cancelled" };

/** Does a command; its answer, or undefined when the address is another's. A string is a refusal. */
export function commandOffice(o, path, body, me) {
  let m;
  if ((m = /^\/privacy\/requests\/([^/]+)\/erasure\/approve$/.exec(path))) {
    const e = o.erasures[m[1]];
    if (body.digest !== e.scope.digest) return "What would go has changed since you looked.";
    e.phase = "working";
    o.steps[m[1]].push(...steps(Date.now(), ["ErasureApproved", `agent:${me.id}`, 0]));
    return e;
  }
  if ((m = /^\/privacy\/requests\/([^/]+)\/erasure\/acknowledge$/.exec(path))) {
    const e = o.erasures[m[1]];
    e.recipients.find((x) => x.id === body.recipient).answered = true;
    return e;
  }
  if ((m = /^\/privacy\/requests\/([^/]+)\/(\w+)$/.exec(path))) {
    const r = o.requests.find((x) => x.id === m[1]);
    if (m[2] === "verify") Object.assign(r, { verified: true, doubted: false, state: "verified" });
    if (m[2] === "doubt") Object.assign(r, { doubted: true, state: "doubted" });
    if (m[2] === "refuse" || m[2] === "withdraw") Object.assign(r, { state: "closed", outcome: m[2] === "refuse" ? "refused" : "withdrawn" });
    o.steps[r.id].push(...steps(Date.now(), [`Request_${m[2]}`, `agent:${me.id}`, 0]));
    return { id: r.id };
  }
  if (path === "/privacy/requests") {
    const id = `018f2b7a-5d1e-7c33-9f42-7b1f66aa0e${10 + o.requests.length}`;
    o.requests.push(request(id, body.kind, Date.now(), 0, 30, { verified: false, state: "received", customer: body.customer }));
    o.steps[id] = steps(Date.now(), ["RequestReceived", `agent:${me.id}`, 0]);
    return { id };
  }
  if ((m = /^\/privacy\/approvals\/([^/]+)$/.exec(path))) {
    const s = o.sweeps.find((x) => x.id === m[1]);
    if (body.approve) s.approvals.push(me.id);
    s.state = body.approve ? "approved" : "declined";
    return s;
  }
  if (path === "/privacy/schedule/preview") return { version: o.schedule.version + 1, differences: [], effects: body.rules.map((r) => ({ class: r.class, keys: 31_902, earlier: 812, later: 0, due: 40 })) };
  if (path === "/privacy/schedule") {
    Object.assign(o.schedule, { version: body.version, reason: body.reason, at: iso() });
    for (const r of body.rules) Object.assign(o.schedule.rules.find((x) => x.class === r.class), r, { sentence: `${r.keep} from ${r.anchor}` });
    return o.schedule;
  }
  const answer = commandFiles(o, path, body, me);
  if (answer !== undefined) return answer;
  if ((m = /^\/notices\/([^/]+)\/(\w+)$/.exec(path))) {
    const n = o.notices.find((x) => x.id === m[1]);
    if (m[2] === "approve" && n.drafters.some((d) => d.id === me.id)) return "Somebody who did not write it has to approve it.";
    if (noticeStates[m[2]]) n.state = noticeStates[m[2]];
    n.revision++;
    return { notice: n.id, revision: n.revision };
  }
}
