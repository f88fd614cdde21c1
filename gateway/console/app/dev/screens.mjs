import { fileIds } from "./files.mjs";
import { office } from "./office.mjs";

// Every screen and state worth looking at, and how to get there. Shared by the pictures and the accessibility run.
const { ids } = office();
const list = (page) => page.getByRole("grid").waitFor();
const talk = (page) => page.getByRole("article").first().waitFor();
const go = (path, ready) => async (page) => { await page.goto(path); await ready(page); };
const heading = (name) => (page) => page.getByRole("heading", { name, level: 1 }).waitFor();

export const screens = {
  login: { signedOut: true, show: go("/login", heading(/Sign in/)), expect: /401/ },
  "login-wrong": {
    signedOut: true, expect: /401/,
    async show(page) {
      await page.goto("/login");
      await page.getByLabel("Email address").fill("maya@northwind.example");
      await page.getByLabel("Password").fill("wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
      await page.locator("button[type=submit]:not([aria-disabled])").waitFor();
      await page.waitForTimeout(100);
    },
  },
  inbox: { show: go("/inbox/unassigned", list) },
  open: { show: go("/inbox/open", list) },
  search: { show: go("/inbox/all?q=invoice", list) },
  "search-empty": { show: go("/inbox/unassigned?q=zeppelin", (p) => p.getByText("Nothing found").waitFor()) },
  "list-error": { expect: /503/, async show(page, hub) { hub.state.failLists = true; await page.goto("/inbox/open"); await page.getByRole("alert").waitFor({ timeout: 8000 }); } },
  skeleton: { async show(page, hub) { hub.state.delay = 0; await page.goto("/inbox/open"); await list(page); hub.state.delay = 4000; await page.goto("/inbox/resolved", { waitUntil: "commit" }); await page.waitForTimeout(5200); } },
  ticket: { show: go("/inbox/unassigned/48213", talk) },
  // The frame's own policy stops the tracking picture of the made-up mail and says so.
  "ticket-html": { expect: /tracker\.invalid|img-src 'self' data:/, async show(page) { await page.goto("/inbox/unassigned/48212"); await talk(page); await page.frameLocator("iframe").getByText("Weber Druck").waitFor(); await page.waitForTimeout(200); } },
  "ticket-deliveries": { async show(page) { await page.goto("/inbox/open/48209"); await talk(page); } },
  "ticket-erased": { show: go("/inbox/all/48191", talk) },
  "ticket-long": { show: go("/inbox/all/48204", talk) },
  "ticket-missing": { expect: /404/, show: go("/t/99999", (p) => p.getByText("There is no such request").waitFor()) },
  note: { async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.keyboard.press("n"); await page.keyboard.type("Asked finance to look at the second entry."); await page.getByText("Draft saved").waitFor(); } },
  reply: { async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.keyboard.press("r"); await page.keyboard.type("Hi Ada,\nThanks for the statement. We took one payment of €129.00."); await page.getByText("Draft saved").waitFor(); } },
  stale: {
    expect: /412/,
    async show(page, hub) {
      await page.goto("/inbox/unassigned/48213");
      await talk(page);
      await page.keyboard.press("r");
      await page.keyboard.type("Thanks for the statement.");
      await page.getByText("Draft saved").waitFor();
      await page.route("**/live*", (r) => r.abort());
      hub.db.tickets[0].messages.push({ ...hub.db.tickets[0].messages[3], id: "m-new", rev: 99, at: new Date(Date.now() - 20_000).toISOString(), text: "Never mind, my bank called." });
      await page.keyboard.press("Control+Enter");
      await page.getByText("Not sent.").waitFor();
    },
  },
  toast: { async show(page) { await page.goto("/inbox/unassigned/48211"); await talk(page); await page.keyboard.press("e"); await page.getByText("Resolved", { exact: true }).last().waitFor(); await page.waitForTimeout(300); } },
  palette: { async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.keyboard.press("Control+k"); await page.getByPlaceholder(/Type a command/).fill("assign"); await page.getByText("Assigned seat").first().waitFor(); await page.waitForTimeout(400); } },
  assign: { async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.keyboard.press("a"); await page.getByRole("dialog").getByText("Tomasz Król").waitFor(); } },
  menu: { only: "desktop", async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.getByRole("button", { name: /^High/ }).click(); await page.getByRole("menu").waitFor(); } },
  "message-menu": { async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.getByRole("button", { name: /More about the message from Ada/ }).first().click(); await page.getByRole("menuitem", { name: "Download the original" }).waitFor(); } },
  "send-menu": { async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.keyboard.press("r"); await page.keyboard.type("Good morning."); await page.getByRole("button", { name: "More ways to send" }).click(); await page.getByRole("menuitem", { name: "Another time…" }).waitFor(); } },
  redact: { async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.getByRole("button", { name: /More about the message from Ada/ }).first().click(); await page.getByRole("menuitem", { name: "Take words out…" }).click(); await page.getByRole("dialog").waitFor(); } },
  keys: { async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.keyboard.press("Shift+?"); await page.getByRole("dialog").waitFor(); } },
  customer: { only: "phone", async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.getByRole("button", { name: "More actions" }).click(); await page.getByRole("menuitem", { name: "Customer" }).click(); await page.getByRole("dialog").waitFor(); await page.waitForTimeout(300); } },
  navigation: { only: "phone", async show(page) { await page.goto("/inbox/open"); await list(page); await page.getByRole("button", { name: "Navigation" }).click(); await page.getByRole("dialog").waitFor(); await page.waitForTimeout(300); } },
  outbox: { show: go("/ops/outbox", (p) => p.getByText("There is no such address").first().waitFor()) },
  "outbox-ask": { async show(page) { await page.goto("/ops/outbox?state=unknown"); await page.getByRole("button", { name: /It was sent/ }).click(); await page.getByRole("dialog").waitFor(); } },
  "outbox-empty": { async show(page, hub) { hub.db.outbox.length = 0; await page.goto("/ops/outbox"); await page.getByText("Nothing has been sent").waitFor(); } },
  quarantine: { show: go("/ops/quarantine", (p) => p.getByText("Spring deals").waitFor()) },
  mail: { show: go("/ops/mail", (p) => p.getByText("Sign-in refused").waitFor()) },
  notices: { show: go("/ops/notices", (p) => p.getByText("Policy of January").waitFor()) },
  requests: { show: go("/office/requests", (p) => p.getByRole("link", { name: "Erasure" }).waitFor()) },
  request: { show: go(`/office/requests/${ids.erasure}`, (p) => p.getByRole("button", { name: /Approve the erasure/ }).waitFor()) },
  "request-access": { show: go(`/office/requests/${ids.access}`, (p) => p.getByRole("button", { name: /Make the export/ }).waitFor()) },
  "erasure-ask": { async show(page) { await page.goto(`/office/requests/${ids.erasure}`); await page.getByRole("button", { name: /Approve the erasure/ }).click(); await page.getByRole("dialog").waitFor(); } },
  retention: { show: go("/office/retention", (p) => p.getByRole("table", { name: "Sweeps" }).waitFor()) },
  holds: { show: go("/office/holds", (p) => p.getByText("In force").first().waitFor()) },
  hold: { show: go(`/office/holds/${fileIds.hold}`, (p) => p.getByRole("button", { name: "Propose its end…" }).waitFor()) },
  demands: { show: go("/office/demands", (p) => p.getByRole("link", { name: "court-hamburg" }).waitFor()) },
  demand: { show: go(`/office/demands/${fileIds.demand}`, (p) => p.getByRole("button", { name: "Approve…" }).waitFor()) },
  cases: { show: go("/office/cases", (p) => p.getByText("Somebody asks to be let in").waitFor()) },
  case: { show: go(`/office/cases/${fileIds.case}`, (p) => p.getByRole("button", { name: "Read the file" }).waitFor()) },
  transfers: { show: go("/office/transfers", (p) => p.getByText("From another hub").waitFor()) },
  transfer: { show: go(`/office/transfers/${fileIds.transfer}`, (p) => p.getByRole("button", { name: "Take the receipt…" }).waitFor()) },
  person: { show: go("/customers/customer-0", (p) => p.getByText("News and offers by email").first().waitFor()) },
  "schedule-change": { async show(page) { await page.goto("/office/retention"); await page.getByRole("button", { name: "Change R-MAILRAW" }).click(); await page.getByRole("dialog").waitFor(); } },
  "hold-new": { async show(page) { await page.goto("/office/holds"); await page.getByRole("button", { name: "Place a hold" }).click(); await page.getByRole("dialog").waitFor(); } },
  register: { show: go("/office/register", (p) => p.getByText("Fjord Relay").waitFor()) },
  audit: { show: go("/office/audit", (p) => p.getByText("Legal hold proposed").first().waitFor()) },
  "audit-opened": { show: go("/office/audit?show=opened", (p) => p.getByRole("table").waitFor()) },
  "audit-given": { show: go("/office/audit?show=given", (p) => p.getByRole("table").waitFor()) },
  system: { show: go("/ops/system", (p) => p.getByRole("table").waitFor()) },
  offline: { expect: /ERR_INTERNET_DISCONNECTED/, async show(page) { await page.goto("/inbox/unassigned/48213"); await talk(page); await page.context().setOffline(true); await page.getByText("Offline.").waitFor(); } },
  compact: { only: "desktop", async show(page) { await page.addInitScript(() => localStorage.setItem("hub.settings", '{"density":"compact"}')); await page.goto("/inbox/unassigned"); await list(page); } },
};
