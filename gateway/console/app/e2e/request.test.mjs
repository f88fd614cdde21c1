import assert from "node:assert/strict";
import { becomes, flow, list, talk } from "./harness.mjs";

const ada = { path: "/inbox/unassigned/48213" };
const composer = (page) => page.getByRole("textbox", { name: /Reply to Ada|Internal note/ });
const region = (page) => page.getByRole("region", { name: "Messages" });
const atEnd = (page) => region(page).evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 4);

flow("a reply goes out once and shows what became of it", ada, async ({ page, hub }) => {
  await talk(page);
  await page.keyboard.press("r");
  await page.keyboard.type("The second entry falls off on Thursday.\nGreetings");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Reply on its way", { exact: true }).first().waitFor();
  await page.getByText("Waiting to be sent").waitFor();
  await page.getByText("accepted by the mail server").last().waitFor();
  assert.equal(await composer(page).inputValue(), "");
  assert.equal(hub.db.tickets[0].messages.filter((m) => m.kind === "reply").length, 1);
  await becomes(() => atEnd(page), true);
});

flow("a reply is taken back before it goes, and its words are the draft again", ada, async ({ page, hub }) => {
  await talk(page);
  await page.keyboard.press("r");
  await page.keyboard.type("To the wrong person.");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Reply on its way", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Reply taken back", { exact: true }).first().waitFor();
  assert.equal(await composer(page).inputValue(), "To the wrong person.");
  assert.equal(hub.db.tickets[0].messages.findLast((m) => m.kind === "reply").delivery, "cancelled");
  await page.getByText("Cancelled, not sent").waitFor();
});

flow("a reply is sent later, and taken back from the conversation", ada, async ({ page, hub }) => {
  await talk(page);
  await page.keyboard.press("r");
  await page.keyboard.type("Good morning.");
  await page.getByRole("button", { name: "More ways to send" }).click();
  await page.getByRole("menuitem", { name: "Tomorrow, 08:00" }).click();
  await page.getByText(/^Goes out .*08:00$/).first().waitFor();
  const sent = hub.db.tickets[0].messages.findLast((m) => m.kind === "reply");
  assert.ok(Date.parse(sent.send_at) > Date.now());
  await page.getByRole("button", { name: "Take it back" }).click();
  await becomes(() => composer(page).inputValue(), "Good morning.");
  assert.equal(sent.delivery, "cancelled");
});

flow("words of a message are taken out by the privacy office", ada, async ({ page, hub }) => {
  await talk(page);
  await page.getByRole("button", { name: "More about the message from Ada Berglund" }).first().click();
  await page.getByRole("menuitem", { name: "Download the original" }).waitFor();
  await page.getByRole("menuitem", { name: "Take words out…" }).click();
  await page.getByRole("textbox", { name: "Words" }).fill("104882");
  await page.getByRole("button", { name: "Take them out" }).click();
  await page.getByText("Words taken out", { exact: true }).first().waitFor();
  assert.equal(hub.db.tickets[0].messages[0].text.includes("104882"), false);
  await page.getByText("Redacted", { exact: true }).waitFor();
});

flow("drafts are kept for each request and kind", { ...ada, expect: /tracker\.invalid|img-src/ }, async ({ page }) => {
  await talk(page);
  await page.keyboard.press("r");
  await page.keyboard.type("half a reply");
  await page.keyboard.press("Control+Shift+.");
  await page.keyboard.type("half a note");
  await page.getByText("Draft saved").waitFor();
  await page.reload();
  await talk(page);
  assert.equal(await composer(page).inputValue(), "half a reply");
  await page.keyboard.press("n");
  assert.equal(await composer(page).inputValue(), "half a note");
  await page.goto("/inbox/unassigned/48212");
  await talk(page);
  assert.equal(await page.getByRole("textbox", { name: "Reply to Jonas" }).inputValue(), "");
});

flow("a note stays inside", ada, async ({ page, hub }) => {
  await talk(page);
  await page.keyboard.press("n");
  await page.keyboard.type("Ask finance");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("article", { name: "Internal note from Maya Olsen" }).waitFor();
  assert.equal(hub.db.tickets[0].messages.filter((m) => m.kind === "reply").length, 0);
});

flow("a reply over an unseen message is refused, then read, then sent", { ...ada, expect: /412/ }, async ({ page, hub }) => {
  await talk(page);
  await page.keyboard.press("r");
  await page.keyboard.type("Thanks for the statement.");
  await region(page).evaluate((e) => { e.scrollTop = 0; });
  await page.waitForTimeout(900);
  for (let i = 0; i < 3; i++) hub.db.tickets[0].messages[0].text += "\n\nA longer mail, so that the end is out of sight.";
  hub.writeAgain(48213, "Never mind, my bank called.");
  await page.getByText("1 new message", { exact: true }).waitFor();
  await page.keyboard.press("Control+Enter");
  await page.getByText("Not sent.").waitFor();
  assert.match(await page.getByRole("alert").textContent(), /Ada wrote again (just now|\d+ seconds ago)\. Read it first, or send anyway\./);
  assert.equal(await composer(page).inputValue(), "Thanks for the statement.");
  assert.equal(hub.db.tickets[0].messages.filter((m) => m.kind === "reply").length, 0);
  await page.getByRole("button", { name: "Read it" }).click();
  await becomes(() => page.getByText("Never mind, my bank called.").last().isVisible(), true);
  await composer(page).press("Control+Enter");
  await page.getByText("Reply on its way", { exact: true }).first().waitFor();
  assert.equal(hub.db.tickets[0].messages.filter((m) => m.kind === "reply").length, 1);
});

flow("a refused reply can be sent anyway", { ...ada, expect: /412|ERR_FAILED|INCOMPLETE_CHUNKED/ }, async ({ page, hub }) => {
  await talk(page);
  await page.route("**/api/v1/live*", (r) => r.abort());
  hub.dropStreams();
  await page.keyboard.press("r");
  await page.keyboard.type("Thanks.");
  hub.writeAgain(48213, "One more thing.");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: "Send anyway" }).click();
  await page.getByText("Reply on its way", { exact: true }).first().waitFor();
  assert.equal(hub.db.tickets[0].messages.filter((m) => m.kind === "reply").length, 1);
});

flow("without a connection the words stay, and the same words go out once", { ...ada, expect: /ERR_INTERNET_DISCONNECTED/ }, async ({ page, hub, context }) => {
  await talk(page);
  await page.keyboard.press("r");
  await page.keyboard.type("Written in a tunnel.");
  await context.setOffline(true);
  await page.getByText("Offline.").waitFor();
  await page.keyboard.press("Control+Enter");
  await page.getByText("Not sent, there is no connection").waitFor();
  assert.equal(await composer(page).inputValue(), "Written in a tunnel.");
  await context.setOffline(false);
  await composer(page).press("Control+Enter");
  await page.getByText("Reply on its way", { exact: true }).first().waitFor();
  assert.equal(hub.db.tickets[0].messages.filter((m) => m.kind === "reply").length, 1);
});

flow("resolving shows at once, takes the row away, and Z takes it back", ada, async ({ page, hub }) => {
  await talk(page);
  hub.state.delay = 3000;
  await page.keyboard.press("e");
  await page.getByRole("button", { name: "Reopen" }).waitFor({ timeout: 2500 });
  await becomes(() => page.locator('[aria-selected="true"]').count(), 0, 2000);
  await page.getByRole("button", { name: "Undo" }).waitFor();
  hub.state.delay = 0;
  assert.equal(hub.db.tickets[0].status, "resolved");
  await page.keyboard.press("z");
  await page.getByText("Reopened", { exact: true }).waitFor();
  await becomes(() => page.locator('[aria-selected="true"]').count(), 1);
  assert.equal(hub.db.tickets[0].status, "open");
});

flow("a refused change is taken back with the reason", { ...ada, expect: /409/ }, async ({ page, hub }) => {
  await talk(page);
  hub.state.refuse = "Tomasz closed this 4 seconds ago.";
  hub.state.delay = 300;
  await page.keyboard.press("e");
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  await page.getByText("Tomasz closed this 4 seconds ago.").first().waitFor();
  await page.getByRole("button", { name: /^Resolve/ }).waitFor();
  await becomes(() => page.locator('[aria-selected="true"]').count(), 1);
});

flow("assign, priority and tags from the keyboard", ada, async ({ page, hub }) => {
  await talk(page);
  const t = hub.db.tickets[0];
  await page.keyboard.press("a");
  await page.getByRole("combobox").fill("tom");
  await page.keyboard.press("Enter");
  await page.getByText("Assigned to Tomasz Król").first().waitFor();
  await page.keyboard.press("i");
  await becomes(() => t.assignee?.id, "agent-maya");
  await page.keyboard.press("p");
  await page.getByRole("combobox").fill("urg");
  await page.keyboard.press("Enter");
  await becomes(() => t.priority, "urgent");
  await page.keyboard.press("t");
  await page.getByRole("combobox").fill("Double charge");
  await page.keyboard.press("Enter");
  await becomes(() => t.tags.join(), "refund,vip,double-charge");
  await page.getByRole("button", { name: "Remove tag vip" }).click();
  await becomes(() => t.tags.join(), "refund,double-charge");
});

flow("keys work on the row under the cursor without opening it", {}, async ({ page, hub }) => {
  await list(page);
  await page.keyboard.press("j");
  await page.keyboard.press("e");
  await becomes(() => hub.db.tickets[0].status, "resolved");
  await becomes(() => page.locator('[aria-rowindex="1"]').textContent().then((s) => s.includes("Jonas")), true);
  await page.keyboard.press("j");
  assert.match(await page.locator('[aria-selected="true"]').textContent(), /Jonas/, "the next row is the one that moved up");
});

flow("HTML mail runs nothing, loads nothing, and is as high as it is", { path: "/inbox/unassigned/48212", expect: /tracker\.invalid|img-src/ }, async ({ page }) => {
  const asked = [];
  page.on("response", (r) => { if (r.url().includes("tracker")) asked.push(r.url()); });
  await page.frameLocator("iframe").getByText("Jonas Weber").waitFor();
  await page.getByText("2 remote images not loaded").waitFor();
  const frame = page.locator("iframe");
  assert.equal(await frame.getAttribute("sandbox"), "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
  await becomes(() => frame.evaluate((f) => f.contentDocument.documentElement.scrollHeight <= f.clientHeight), true);
  assert.deepEqual(asked, []);
  await page.frameLocator("iframe").locator("body").click();
  await page.keyboard.press("u");
  await becomes(() => page.url().endsWith("/inbox/unassigned"), true);
});

flow("the quoted text is folded", ada, async ({ page }) => {
  await talk(page);
  assert.equal(await page.getByText("has been confirmed").count(), 0);
  await page.getByRole("button", { name: "Show the quoted text" }).click();
  await page.getByText("has been confirmed").waitFor();
});

flow("an erased customer can be noted about, not written to", { path: "/inbox/all/48191" }, async ({ page }) => {
  await page.getByText("there is no address to reply to").waitFor();
  await page.getByText("The words of this message were erased").waitFor();
  await page.keyboard.press("r");
  assert.equal(await page.getByRole("textbox", { name: "Internal note" }).count(), 1);
});

flow("on a phone: list, request, reply, resolve, back", { size: "phone" }, async ({ page, hub }) => {
  await page.getByRole("link", { name: /Ada Berglund/ }).first().tap();
  await talk(page);
  await page.getByRole("textbox", { name: "Reply to Ada" }).tap();
  await page.keyboard.type("On its way.");
  await page.getByRole("button", { name: "Send", exact: true }).tap();
  await page.getByText("Reply on its way", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: "Resolve" }).tap();
  await becomes(() => hub.db.tickets[0].status, "resolved");
  await page.getByRole("button", { name: "Back to the list" }).tap();
  await list(page);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, "no sideways scrolling");
});

flow("links of plain text lead over the page that says they leave", ada, async ({ page }) => {
  await talk(page);
  const link = page.getByRole("link", { name: "https://northwind.example/orders/104882" });
  assert.match(await link.getAttribute("href"), /^\/leave\?u=https%3A/);
  assert.equal(await link.getAttribute("rel"), "noopener noreferrer nofollow");
});

flow("files go with a reply, and come back when it is taken back", ada, async ({ page, hub }) => {
  await talk(page);
  await page.keyboard.press("r");
  await page.keyboard.type("Here is the form.");
  await page.getByLabel("Files to attach").setInputFiles([{ name: "form.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(1500) }, { name: "wrong.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(9) }]);
  await page.getByRole("button", { name: "Leave out wrong.pdf" }).click();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: /^Undo/ }).waitFor();
  assert.deepEqual(hub.db.tickets[0].messages.at(-1).attachments.map((a) => [a.name, a.size]), [["form.pdf", 1500]]);
  await page.getByRole("button", { name: /^Undo/ }).click();
  await page.getByRole("button", { name: "Leave out form.pdf" }).waitFor();
});
