// Made-up data for looking at the console without a hub. Times hang on one fixed "now", so pictures repeat.
const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

export const agents = [
  { id: "agent-maya", name: "Maya Olsen", email: "maya@northwind.example", role: "admin", active: true },
  { id: "agent-tomasz", name: "Tomasz Król", email: "tomasz@northwind.example", role: "agent", active: true },
  { id: "agent-lin", name: "Lin Ikeda", email: "lin@northwind.example", role: "agent", active: true },
  { id: "agent-amara", name: "Amara Diallo", email: "amara@northwind.example", role: "agent", active: true },
];

const people = [
  ["Ada Berglund", "ada@berglund.example"], ["Jonas Weber", "jonas.weber@weber-druck.example"], ["Inès Moreau", "ines@moreau.example"],
  ["Kavya Iyer", "kavya.iyer@lotus.example"], ["Søren Jensen", "soren@fjordapi.example"], ["Rosa García", "rosa@garcia.example"],
  ["Noor Haddad", "noor@haddad.example"], ["Hiro Tanaka", "h.tanaka@kumo.example"], ["Elif Yılmaz", "elif@yilmaz.example"],
  ["Wen Park", "wen.park@hanok.example"], ["Oluwaseun Adeyemi", "seun@adeyemi.example"], ["Freya Lindqvist", "freya@lindqvist.example"],
  ["Mateo Rossi", "mateo@rossi.example"], ["Привет Иванова", "ivanova@pochta.example"], ["Charlotte van der Bergen-Weatherstone", "charlotte.van.der.bergen-weatherstone@a-rather-long-company-name.example"],
];

const subjects = [
  ["Charged twice for order 104882", "The second charge appeared this morning and my bank says it comes from you."],
  ["Invoice 2291 is missing our VAT number", "Our accountant needs the corrected document before Friday, otherwise it moves to next quarter."],
  ["Where is parcel NW-77120?", "Tracking has said “label created” for six days now."],
  ["Please delete my account and everything in it", "I no longer use the service. Please confirm when it is done."],
  ["Webhooks have been failing since the update", "We see a 401 on every delivery after 07:40, nothing changed on our side."],
  ["Change of address for order 104671", "I typed the wrong street number, it should be 14 and not 41."],
  ["Discount code WELCOME10 is not accepted", "The checkout says the code has expired, the mail says end of month."],
  ["Re: Export stuck at 0 %", "It worked after signing in again. Thank you for the quick help."],
  ["Copy of all data you hold about me", "Under Article 15 I would like a copy of my personal data."],
  ["Assigned seat was changed on my booking", "We booked two seats next to each other and now they are apart."],
  ["Password reset mail never arrives", "I tried three times, also looked in the spam folder."],
  ["Question about the annual plan", "Does the price per seat change when we add people in the middle of the year?"],
  ["Broken lid on the large container", "Arrived with a crack along the rim, picture attached."],
  ["Не приходит письмо с подтверждением", "Добрый день, письмо с подтверждением заказа не приходит."],
  ["A subject line that goes on for much longer than any list could ever show in one line without cutting it off somewhere", "And a snippet to go with it."],
];

const iso = (t) => new Date(t).toISOString();
const paragraph = "Thank you for writing. I have looked at the account and both entries are there.\n\nThe first is the payment itself. The second is a reservation that your bank releases on its own, usually within three working days. You do not have to do anything.";

export function seed(now = Date.now()) {
  let position = 4_812_000;
  const next = () => String(++position);
  const tickets = [];
  const customers = new Map();
  people.forEach(([name, address], i) => customers.set(`customer-${i}`, { id: `customer-${i}`, name, address, first_seen: iso(now - (400 + i * 57) * DAY), last_seen: iso(now - i * DAY), count: 60, erased: false }));

  const total = 640;
  for (let i = 0; i < total; i++) {
    const age = i < 9 ? i * 11 * MIN + 3 * MIN : i < 26 ? 2 * HOUR + i * 40 * MIN : i * 2.3 * HOUR;
    const [subject, snippet] = subjects[i % subjects.length];
    const customer = customers.get(`customer-${i % people.length}`);
    const resolved = i > 60 && i % 3 !== 0;
    const assignee = i % 5 === 3 ? agents[0] : i % 5 === 4 ? agents[(i % 3) + 1] : null;
    const at = now - age;
    const t = {
      id: `0192f${String(100000 + i)}`, number: 48_213 - i, subject, snippet, status: resolved ? "resolved" : i % 17 === 6 ? "pending" : "open",
      priority: i === 0 ? "high" : i === 4 ? "urgent" : i % 23 === 11 ? "low" : "normal", channel: i % 7 === 2 ? "form" : "email",
      customer: { id: customer.id, name: customer.name, address: customer.address },
      assignee: assignee && { id: assignee.id, name: assignee.name }, tags: i === 0 ? ["refund", "vip"] : i % 4 === 2 ? ["billing"] : i % 9 === 5 ? ["api", "integration"] : [],
      created_at: iso(at - 30 * MIN), updated_at: iso(at), revision: 4, unverified: i % 13 === 12, last_kind: i % 6 === 5 || i === 7 ? "reply" : "inbound", erased: i === 22,
      messages: [], history: [], participants: [{ name: customer.name, address: customer.address }],
    };
    conversation(t, i, at, next);
    if (t.erased) {
      t.customer = { id: customer.id, name: "", address: "" };
      t.snippet = "";
      for (const m of t.messages) if (m.kind === "inbound") Object.assign(m, { state: "erased", text: "", from: { name: "", address: "" }, attachments: [] });
    }
    inOrder(t);
    tickets.push(t);
  }
  return { tickets, customers, agents, outbox: outbox(now, tickets), quarantine: quarantine(now), mailboxes: mailboxes(now), position: () => String(position), next };
}

/** Gives a ticket's messages and events the positions of the order they happened in. */
function inOrder(t) {
  const all = [...t.messages, ...t.history].sort((a, b) => a.at.localeCompare(b.at) || Number(a.position) - Number(b.position));
  const old = [...new Set(all.map((x) => x.position))];
  const sorted = [...old].sort((a, b) => Number(a) - Number(b));
  const to = new Map(old.map((p, i) => [p, sorted[i]]));
  for (const x of all) x.position = to.get(x.position);
}

export function message(over) {
  return {
    id: `m-${over.position}`, kind: "inbound", from: { name: "", address: "" }, to: [{ name: "Support", address: "support@northwind.example" }], cc: [], at: "", text: "",
    html: "", has_html: false, quote_from: -1, attachments: [], state: "plain", unverified: false, keep_until: "2028-11-22T00:00:00Z", delivery: "", delivery_detail: "",
    class: "human", warnings: [], why: "", agent: null, remote_images: 0, position: "0", raw: (over.kind ?? "inbound") === "inbound", redacted: false, send_at: null,
    links: [...new Set((over.text ?? "").match(/https?:\/\/[^\s]+[^\s.,]/g) ?? [])].map((text) => ({ text, href: `/leave?u=${encodeURIComponent(text)}&m=x` })), ...over,
  };
}

function conversation(t, i, at, next) {
  const from = { name: t.customer.name, address: t.customer.address };
  const event = (ms, type, actor, text) => t.history.push({ position: next(), at: iso(ms), type, actor, text });
  event(at - 30 * MIN, "TicketOpened", "", `${t.customer.name} wrote to support@northwind.example`);
  const quoted = "\n\nOn Mon, 21 Nov 2026 at 16:20, Northwind Support wrote:\n> Your order 104882 has been confirmed.\n> You will hear from us when it leaves the warehouse.";
  if (i === 0) {
    const body = "Hi, I ordered once on Tuesday (104882) but there are two charges of €129.00 on my card. The second one appeared this morning and my bank says it comes from you.\n\nCan you check and send the money back? I have attached the statement. The order is at https://northwind.example/orders/104882.";
    t.messages.push(message({ position: next(), from, at: iso(at - 30 * MIN), text: body + quoted, quote_from: Buffer.byteLength(body), attachments: [{ id: "a1", name: "statement-nov.pdf", type: "application/pdf", size: 84_213 }] }));
    event(at - 30 * MIN + 1000, "MailAuthenticated", "", "Mail authenticated: SPF, DKIM and DMARC pass");
    event(at - 30 * MIN + 2000, "PriorityChanged", "Rule VIP first", "Rule VIP first set priority to High");
    t.messages.push(message({ position: next(), kind: "auto", class: "acknowledgement", to: [from], at: iso(at - 29 * MIN), delivery: "accepted", delivery_detail: "250" }));
    t.messages.push(message({ position: next(), kind: "note", agent: { id: "agent-tomasz", name: "Tomasz Król" }, from: { name: "Tomasz Król", address: "" }, at: iso(at - 12 * MIN), text: "Stripe shows one capture and one authorisation that never settled, so the second one falls off by itself on Thursday. No refund needed." }));
    t.messages.push(message({ position: next(), from, at: iso(at), text: "I forgot to say: please answer to this address, not the one on the order.", why: "reply_address" }));
    t.history.push({ position: t.messages[3].position, at: iso(at), type: "MessageAttached", actor: "", text: "Ada Berglund wrote again" });
  } else if (i === 1) {
    t.messages.push(message({ position: next(), from, at: iso(at), text: "Invoice 2291\n\nPlease add our VAT number DE812345678 to the invoice.\n\nJonas Weber", has_html: true, html: '<table style="border:1px solid">…</table>', remote_images: 2 }));
  } else if (i === 4) {
    t.messages.push(message({ position: next(), from, at: iso(at - 9 * HOUR), text: t.snippet }));
    t.messages.push(message({ position: next(), kind: "reply", agent: { id: "agent-maya", name: "Maya Olsen" }, from: { name: "Maya Olsen", address: "support@northwind.example" }, to: [from], at: iso(at - 8 * HOUR), text: paragraph, delivery: "accepted", delivery_detail: "250 2.0.0" }));
    t.messages.push(message({ position: next(), kind: "reply", agent: { id: "agent-lin", name: "Lin Ikeda" }, from: { name: "Lin Ikeda", address: "support@northwind.example" }, to: [from], at: iso(at - 6 * HOUR), text: "One more question: which region are your servers in?", delivery: "bounced", delivery_detail: "5.1.1" }));
    t.messages.push(message({ position: next(), kind: "reply", agent: { id: "agent-maya", name: "Maya Olsen" }, from: { name: "Maya Olsen", address: "support@northwind.example" }, to: [from], at: iso(at - 5 * HOUR), text: "Trying your other address.", delivery: "deferred", delivery_detail: "450 4.7.1" }));
    t.messages.push(message({ position: next(), from, at: iso(at), text: t.snippet, unverified: true, warnings: ["reply_to_domain", "repaired_bom"] }));
    for (const [k, who] of [["TagAdded", "Lin Ikeda"], ["TicketAssigned", "Lin Ikeda"], ["PriorityChanged", "Maya Olsen"], ["TagRemoved", "Lin Ikeda"], ["TicketUnassigned", "Maya Olsen"]]) event(at - 4 * HOUR, k, who, `${who} changed something small`);
  } else {
    const n = i % 11 === 9 ? 12 : 1;
    for (let k = 0; k < n; k++) t.messages.push(message({ position: next(), ...(k % 2 ? { kind: "reply", agent: { id: "agent-maya", name: "Maya Olsen" }, from: { name: "Maya Olsen", address: "support@northwind.example" }, to: [from], delivery: "accepted", delivery_detail: "250 2.0.0" } : { from }), at: iso(at - (n - 1 - k) * 3 * HOUR), text: k % 2 ? paragraph : `${t.snippet}\n\n${from.name}`, unverified: t.unverified }));
  }
}

function outbox(now, tickets) {
  const rows = [
    ["reply", 0, "queued", 0, "", "", 2 * MIN], ["reply", 1, "sending", 1, "", "", 0], ["acknowledgement", 2, "accepted", 1, "250", "4bXk2c1jQ7z", 0],
    ["reply", 4, "bounced", 1, "550 5.1.1", "address", 0], ["reply", 4, "deferred", 3, "450 4.7.1", "greylist", 12 * MIN],
    ["reply", 8, "unknown", 1, "", "connection_lost", 0], ["administrative", 9, "failed", 6, "554 5.7.1", "content", 0],
    ["reply", 12, "cancelled", 0, "", "", 0], ["reply", 14, "accepted", 2, "250", "1tEhXk-0003Yk-2f", 0],
  ];
  return rows.map(([kind, i, state, attempts, last_code, last_detail, wait], n) => ({
    id: `out-${n}`, kind, to: tickets[i].customer.address, subject: `Re: ${tickets[i].subject}`, state, attempts, last_code, last_detail, ticket: tickets[i].id, ticket_number: tickets[i].number,
    created_at: iso(now - (n + 1) * 17 * MIN), next_attempt_at: wait ? iso(now + wait) : null, message_id: `<${n}@northwind.example>`,
  }));
}

const quarantine = (now) => [
  { id: "q-1", mailbox: "support@northwind.example", reason: "not_readable", detail: "limit_parts", from: "newsletter@bulk.example", subject: "Spring deals you will love", size: 4_812_300, received_at: iso(now - 50 * MIN), state: "held" },
  { id: "q-2", mailbox: "support@northwind.example", reason: "bounce_unproved", detail: "", from: "", subject: "", size: 912, received_at: iso(now - 20 * HOUR), state: "held" },
  { id: "q-3", mailbox: "billing@northwind.example", reason: "oversize", detail: "", from: "print@weber-druck.example", subject: "Files for the catalogue", size: 61_204_112, received_at: iso(now - 3 * DAY), state: "released" },
];

export const compared = (at, missing) => ({
  at: iso(at), uidvalidity: 1_699_000_000, server: 412, held: 412 - missing, fetched: missing, missing, gone: 3, uids: missing ? [9201, 9204].slice(0, missing) : [], quarantined: missing ? [{ reason: "oversize", count: 1 }] : [],
});

const mailboxes = (now) => [
  { id: "mb-1", address: "support@northwind.example", state: "idle", last_ok_at: iso(now - 8000), last_error: "", messages: 48_213, uid_next: 51_004, quarantined: 0, reconciled: compared(now - 3 * HOUR, 0), access: { connected: true, ends_at: null, warning: "" }, sent: { folder: "Sent", state: "idle", last_ok_at: iso(now - 9000), last_error: "" } },
  { id: "mb-2", address: "billing@northwind.example", state: "backoff", last_ok_at: iso(now - 22 * MIN), last_error: "dial mx.northwind.example:993: connection refused", messages: 9120, uid_next: 9208, quarantined: 1, reconciled: compared(now - 26 * HOUR, 2) },
  { id: "mb-3", address: "privacy@northwind.example", state: "auth_failed", last_ok_at: null, last_error: "NO [AUTHENTICATIONFAILED] Invalid credentials", messages: 0, uid_next: 1, quarantined: 0, access: { connected: false, ends_at: null, warning: "The sign-in has ended. Connect the mailbox again." } },
];
