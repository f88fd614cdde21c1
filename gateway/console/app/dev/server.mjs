// A stand-in for the gateway: the built console under its real policy, and the API over made-up data in memory.
// Only for looking at the console and for its end-to-end tests. Any password but "wrong" signs in.
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import { extname, join, normalize, resolve } from "node:path";
import { commandOffice, office, readOffice } from "./office.mjs";
import { compared, message, seed } from "./seed.mjs";

const dist = resolve(import.meta.dirname, "../../dist");
const types = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
const iso = (t = Date.now()) => new Date(t).toISOString();

class Refusal extends Error {
  constructor(status, code, detail, more = {}) { super(detail); Object.assign(this, { status, code, more }); }
}

/** Starts on a port (0: any free one). The returned object can also act as a customer, for tests. */
export function start({ port = 0, signedIn = false, delay = 0 } = {}) {
  const db = { ...seed(), office: office() };
  const me = db.agents[0];
  const streams = new Set();
  const log = [];
  const done = new Map();
  const state = { signedIn, delay, failLists: false, refuse: null, reports: [], liveOpened: 0 };

  function emit(kind, id, rev = 0) {
    const e = { kind, id, rev, pos: db.next() };
    log.push(e);
    for (const s of streams) write(s, e);
    return e.pos;
  }
  const write = (s, e) => s.write(`id: ${e.pos}\nevent: change\ndata: ${JSON.stringify(e)}\n\n`);
  const find = (ref) => {
    const t = db.tickets.find((x) => x.id === ref || String(x.number) === ref);
    if (!t) throw new Refusal(404, "not_found", "There is no such request.");
    return t;
  };
  const row = ({ messages: _m, history: _h, participants: _p, ...t }) => t;
  const touch = (t, type, text, actor = me.name) => {
    t.revision++;
    t.updated_at = iso();
    const pos = emit("ticket", t.id, t.revision);
    t.history.push({ position: pos, at: iso(), type, actor, text });
    return { ticket: t.id, revision: t.revision, event: `${type}-${pos}`, pos };
  };
  const isOpen = (t) => t.status === "open" || t.status === "pending";
  const inView = { open: isOpen, unassigned: (t) => isOpen(t) && !t.assignee, mine: (t) => isOpen(t) && t.assignee?.id === me.id, resolved: (t) => !isOpen(t), all: () => true };

  function list(query) {
    if (state.failLists) throw new Refusal(503, "unavailable", "The view is being rebuilt. Nothing is lost; try again in a minute.");
    const q = (query.get("q") ?? "").toLowerCase();
    const words = q.split(/\s+/).filter(Boolean);
    let items = db.tickets.filter(inView[query.get("view") ?? "open"] ?? (() => false));
    if (/^#?\d+$/.test(q)) items = items.filter((t) => String(t.number).startsWith(q.replace("#", "")));
    else items = items.filter((t) => words.every((w) => `${t.subject} ${t.snippet} ${t.customer.name} ${t.customer.address}`.toLowerCase().includes(w)));
    items.sort((a, b) => b.updated_at.localeCompare(a.updated_at) || a.id.localeCompare(b.id));
    const total = q ? -1 : items.length;
    const after = query.get("after");
    if (after) items = items.slice(items.findIndex((t) => `${t.updated_at}|${t.id}` === after) + 1);
    const limit = Number(query.get("limit") ?? 50);
    const page = items.slice(0, limit);
    const last = page[page.length - 1];
    return { items: page.map(row), next: items.length > limit ? `${last.updated_at}|${last.id}` : "", total };
  }

  function reply(t, body, ifMatch) {
    const seen = Number((ifMatch ?? "").replaceAll('"', ""));
    const fresh = t.messages.filter((m) => m.kind === "inbound" && m.rev > seen);
    if (ifMatch && fresh.length > 0) throw new Refusal(412, "stale", "Something arrived that you have not seen.", { revision: t.revision, new: fresh });
    const pos = db.next();
    const m = message({ position: pos, kind: "reply", agent: { id: me.id, name: me.name }, from: { name: me.name, address: "support@northwind.example" }, to: [t.customer], at: iso(), text: body.text, delivery: "queued", send_at: body.send_at ?? iso(Date.now() + 10_000), attachments: (body.files ?? []).map((f, i) => ({ id: `f${i}`, name: f.name, type: f.type ?? "", size: Math.floor(f.content.length * 0.75) })) });
    t.messages.push(m);
    t.last_kind = "reply";
    t.snippet = body.text.slice(0, 120);
    if (body.resolve) t.status = "resolved";
    const answer = { ...touch(t, "ReplyWritten", `${me.name} replied`), message: m.id };
    if (body.send_at) m.delivery_detail = "";
    else setTimeout(() => { if (m.delivery !== "queued") return; m.delivery = "accepted"; m.delivery_detail = "250 2.0.0"; emit("ticket", t.id, t.revision); emit("outbox", "out-0"); }, 1500).unref();
    return answer;
  }

  const commands = {
    reply: (t, b, h) => reply(t, b, h["if-match"]),
    note: (t, b) => {
      t.messages.push(message({ position: db.next(), kind: "note", agent: { id: me.id, name: me.name }, from: { name: me.name, address: "" }, at: iso(), text: b.text }));
      return touch(t, "NoteAdded", `${me.name} added a note`);
    },
    assign: (t, b) => {
      const a = db.agents.find((x) => x.id === (b.agent === "me" ? me.id : b.agent));
      t.assignee = a ? { id: a.id, name: a.name } : null;
      return touch(t, "TicketAssigned", a ? `${me.name} assigned it to ${a.name}` : `${me.name} removed the assignee`);
    },
    resolve: (t) => { if (!isOpen(t)) throw new Refusal(409, "conflict", "It is resolved already."); t.status = "resolved"; return touch(t, "TicketResolved", `${me.name} resolved it`); },
    reopen: (t) => { t.status = "open"; return touch(t, "TicketReopened", `${me.name} reopened it`); },
    priority: (t, b) => { t.priority = b.priority; return touch(t, "PriorityChanged", `${me.name} set the priority to ${b.priority}`); },
    recall: (t, b) => {
      const m = t.messages.find((x) => x.id === b.message);
      if (m.delivery !== "queued" && m.delivery !== "held") throw new Refusal(409, "too_late", "The answer is on its way or gone already.");
      m.delivery = "cancelled";
      if (!isOpen(t)) t.status = "open";
      return { ...touch(t, "ReplyRecalled", `${me.name} took a reply back`), message: m.id };
    },
    tag: (t, b) => { t.tags = [...new Set([...t.tags.filter((x) => !b.remove.includes(x)), ...b.add])]; return touch(t, "TagAdded", `${me.name} changed the tags`); },
  };

  function outboxCommand(id, verb, body) {
    const o = db.outbox.find((x) => x.id === id);
    if (!o) throw new Refusal(404, "not_found", "There is no such mail.");
    o.state = verb === "retry" ? "queued" : verb === "cancel" ? "cancelled" : body.outcome;
    return { outbound: id, revision: 1, event: "e", pos: emit("outbox", id) };
  }

  function command(path, body, headers) {
    let m;
    if ((m = /^\/tickets\/([^/]+)\/(\w+)$/.exec(path)) && commands[m[2]]) {
      if (state.refuse) { const r = state.refuse; state.refuse = null; throw new Refusal(409, "conflict", r); }
      return commands[m[2]](find(m[1]), body, headers);
    }
    if ((m = /^\/outbox\/([^/]+)\/(retry|cancel|resolve)$/.exec(path))) return outboxCommand(m[1], m[2], body);
    if ((m = /^\/quarantine\/([^/]+)\/(release|discard)$/.exec(path))) {
      db.quarantine.find((q) => q.id === m[1]).state = m[2] === "release" ? "released" : "discarded";
      return { pos: emit("quarantine", m[1]) };
    }
    if ((m = /^\/quarantine\/([^/]+)\/retry$/.exec(path))) {
      const q = db.quarantine.find((x) => x.id === m[1]);
      if (q.reason === "oversize") throw new Refusal(409, "conflict", "It is still larger than may be taken in.");
      q.state = "released";
      return { pos: emit("quarantine", m[1]) };
    }
    if ((m = /^\/mailboxes\/([^/]+)\/(reconciliation|connect)$/.exec(path))) {
      const box = db.mailboxes.find((x) => x.id === m[1]);
      if (m[2] === "connect") return { url: "/mailboxes/connected?state=s-7f31&code=c-1", pos: db.position() };
      return { ...(box.reconciled = compared(Date.now(), 0)), pos: db.next() };
    }
    if (path === "/mailboxes/connect") {
      if (body.state !== "s-7f31") throw new Refusal(409, "conflict", "This sign-in was not begun here, or too long ago.");
      Object.assign(db.mailboxes[2], { state: "idle", last_error: "", last_ok_at: iso(), access: { connected: true, ends_at: null, warning: "" } });
      return { mailbox: db.mailboxes[2].id, pos: db.next() };
    }
    if ((m = /^\/tickets\/([^/]+)\/messages\/([^/]+)\/redact$/.exec(path))) {
      const x = find(m[1]).messages.find((y) => y.id === m[2]);
      x.redacted = true;
      if (!body.words?.length) Object.assign(x, { state: "erased", text: "", attachments: [] });
      for (const w of body.words ?? []) x.text = x.text.replaceAll(w, "[taken out]");
      return touch(find(m[1]), "MessageRedacted", `${me.name} took words out of a message`);
    }
    const answer = commandOffice(db.office, path, body, me);
    if (typeof answer === "string") throw new Refusal(409, "conflict", answer);
    if (answer) return { ...answer, pos: db.next() };
    throw new Refusal(404, "not_found", "No such address.");
  }

  function read(path, query) {
    let m;
    if (path === "/tickets") return list(query);
    if (path === "/tickets/counts") return { ...Object.fromEntries(Object.entries(inView).map(([k, f]) => [k, db.tickets.filter(f).length])), quarantine: db.quarantine.filter((x) => x.state === "held").length };
    if ((m = /^\/tickets\/([^/]+)$/.exec(path))) { const { history: _h, ...t } = find(m[1]); return t; }
    if ((m = /^\/tickets\/([^/]+)\/history$/.exec(path))) return { items: find(m[1]).history };
    if ((m = /^\/customers\/([^/]+)$/.exec(path))) {
      const c = db.customers.get(m[1]);
      if (!c) throw new Refusal(404, "not_found", "There is no such customer.");
      return { ...c, tickets: db.tickets.filter((t) => t.customer.id === c.id).slice(0, 20).map(row) };
    }
    if (path === "/agents") return { items: db.agents };
    if (path === "/outbox") {
      const counts = {};
      for (const o of db.outbox) counts[o.state] = (counts[o.state] ?? 0) + 1;
      const s = query.get("state");
      return { items: db.outbox.filter((o) => !s || o.state === s), next: "", counts };
    }
    if (path === "/quarantine") return { items: db.quarantine, next: "" };
    if (path === "/mailboxes") return { items: db.mailboxes };
    if (path === "/system") {
      const head = db.position();
      const p = (name, lag) => ({ name, position: String(Number(head) - lag), head, lag_events: lag, lag_seconds: lag > 100 ? 41 : lag ? 2 : 0 });
      return { version: "0.1.0", projections: [p("tickets", 0), p("outbox", 0), p("customers", 3), p("search", 214), p("reports", 0), p("audit", 0)], head, store: "node (embedded)", bus: "nats (embedded)", uptime_seconds: 273_120, ready: true };
    }
    if ((m = /^\/mailboxes\/([^/]+)\/reconciliation$/.exec(path))) return { items: [db.mailboxes.find((x) => x.id === m[1])?.reconciled].filter(Boolean) };
    const found = readOffice(db.office, path, query);
    if (found) return found;
    throw new Refusal(404, "not_found", "No such address.");
  }

  function live(req, res, query) {
    state.liveOpened++;
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    res.write("retry: 300\n\n");
    const from = req.headers["last-event-id"] ?? query.get("from");
    if (from) for (const e of log) if (Number(e.pos) > Number(from)) write(res, e);
    res.write(`id: ${db.position()}\nevent: hello\ndata: {"pos":"${db.position()}"}\n\n`);
    streams.add(res);
    req.on("close", () => streams.delete(res));
  }

  const mail = `<!doctype html><html><head><meta charset="utf-8"><style>body{margin:0;padding:12px;font:14px/1.5 Arial,sans-serif;color:#222}td{padding:6px 12px;border-bottom:1px solid #ddd}</style></head><body>
    <h2 style="color:#0a5">Weber Druck GmbH</h2><p>Please add our VAT number <b>DE812345678</b> to the invoice.</p><table style="border-collapse:collapse"><tr><td>Invoice</td><td>2291</td></tr><tr><td>Amount</td><td>€ 1,240.00</td></tr></table>
    <img src="https://tracker.invalid/x.png" alt="logo"><p>Jonas Weber</p></body></html>`;

  function page(res) {
    const nonce = randomBytes(16).toString("base64");
    res.writeHead(200, {
      "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache",
      "Content-Security-Policy": `default-src 'self'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data: blob:; connect-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'`,
    });
    res.end(readFileSync(join(dist, "index.html"), "utf8").replaceAll("__CSP_NONCE__", nonce));
  }

  const readBody = async (req) => { let s = ""; for await (const c of req) s += c; return s ? JSON.parse(s) : {}; };

  async function api(req, res, path, query) {
    const json = (status, data, headers = {}) => { res.writeHead(status, { "Content-Type": "application/json", "Hub-Position": db.position(), ...headers }); res.end(data === undefined ? "" : JSON.stringify(data)); };
    try {
      if (state.delay) await new Promise((r) => setTimeout(r, state.delay));
      if (req.method !== "GET" && req.headers["x-hub-csrf"] !== "1") throw new Refusal(403, "forbidden", "The request did not come from the console.");
      if (path === "/session" && req.method === "POST") {
        const b = await readBody(req);
        if (b.password === "wrong") throw new Refusal(401, "unauthenticated", "Wrong address or password.");
        state.signedIn = true;
        return json(200, { agent: me });
      }
      if (!state.signedIn) throw new Refusal(401, "unauthenticated", "Sign in first.");
      if (path === "/session") {
        if (req.method === "DELETE") { state.signedIn = false; return json(204); }
        return json(200, { agent: me, brand: "Northwind", version: "0.1.0", undo_seconds: 10 });
      }
      if (path === "/live") return live(req, res, query);
      if (/^\/messages\/[^/]+\/[^/]+\/body$/.test(path)) {
        res.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox" });
        return res.end(mail);
      }
      if (req.method === "GET") return json(200, read(path, query));
      const key = req.headers["idempotency-key"];
      const body = await readBody(req);
      if (!done.has(key)) done.set(key, command(path, body, req.headers));
      const { pos, ...answer } = done.get(key);
      return json(200, answer, { "Hub-Position": pos });
    } catch (e) {
      const r = e instanceof Refusal ? e : new Refusal(500, "internal", String(e));
      res.writeHead(r.status, { "Content-Type": "application/problem+json" });
      res.end(JSON.stringify({ type: "about:blank", title: r.code, status: r.status, detail: r.message, code: r.code, request_id: "req-7f31c9", ...r.more }));
    }
  }

  const server = createServer((req, res) => {
    const url = new URL(req.url, "http://hub.invalid");
    if (url.pathname.startsWith("/api/v1/")) return void api(req, res, url.pathname.slice(7), url.searchParams);
    const file = join(dist, normalize(url.pathname));
    if (extname(file) && existsSync(file)) {
      res.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream" });
      return void createReadStream(file).pipe(res);
    }
    page(res);
  });

  return new Promise((ok, fail) => {
    server.on("error", fail);
    server.listen(port, "127.0.0.1", () => ok({
      url: `http://127.0.0.1:${server.address().port}`, db, state,
      /** A customer writes again on a ticket. */
      writeAgain(number, text) {
        const t = find(String(number));
        const m = message({ position: db.next(), from: { name: t.customer.name, address: t.customer.address }, at: iso(), text, rev: t.revision + 1 });
        t.messages.push(m);
        t.last_kind = "inbound";
        t.snippet = text;
        touch(t, "MessageAttached", `${t.customer.name} wrote again`, "");
        return m;
      },
      /** A new request arrives. */
      newTicket(subject) {
        const t = { ...structuredClone(db.tickets[5]), id: `0192f9${db.next()}`, number: 48_214 + db.tickets.length, subject, status: "open", assignee: null, created_at: iso(), updated_at: iso(), last_kind: "inbound", history: [] };
        db.tickets.push(t);
        emit("ticket", t.id, 1);
        return t;
      },
      resolveByOther(number) { const t = find(String(number)); t.status = "resolved"; touch(t, "TicketResolved", "Tomasz Król resolved it", "Tomasz Król"); },
      dropStreams() { for (const s of streams) s.destroy(); },
      close: () => new Promise((r) => { for (const s of streams) s.destroy(); server.close(r); server.closeAllConnections(); }),
    }));
  });
}

if (process.argv[1] === import.meta.filename) {
  const hub = await start({ port: Number(process.env.PORT ?? 8081) });
  process.stdout.write(`${hub.url}\n`);
  setInterval(() => hub.writeAgain(48_213 - Math.floor(Math.random() * 20), "One more thing: is there any news?"), 15_000);
}
