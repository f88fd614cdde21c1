import assert from "node:assert/strict";
import { active, becomes, flow, list, talk } from "./harness.mjs";

flow("signing in leads to Unassigned, keys lead to a request and back", { signedIn: false, path: "/", expect: /401|tracker\.invalid|img-src/ }, async ({ page }) => {
  await page.getByLabel("Email address").fill("maya@northwind.example");
  await page.getByLabel("Password").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByText("Wrong address or password.").waitFor();
  await page.getByLabel("Password").fill("right");
  await page.keyboard.press("Enter");
  await list(page);
  assert.match(page.url(), /\/inbox\/unassigned$/);
  await becomes(() => page.title(), "Unassigned (152) · Northwind");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("o");
  await talk(page);
  assert.match(page.url(), /\/inbox\/unassigned\/48212$/);
  const row = await active(page);
  await page.keyboard.press("u");
  await becomes(() => page.url().endsWith("/inbox/unassigned"), true);
  assert.equal(await active(page), row, "the cursor stays on the request");
  await becomes(() => page.evaluate(() => document.activeElement.getAttribute("role")), "grid");
});

flow("a deep link comes back after signing in", { signedIn: false, path: "/inbox/open/48209", expect: /401/ }, async ({ page }) => {
  await page.getByLabel("Email address").fill("maya@northwind.example");
  await page.getByLabel("Password").fill("right");
  await page.keyboard.press("Enter");
  await talk(page);
  assert.match(page.url(), /\/inbox\/open\/48209$/);
});

flow("640 requests scroll without 640 rows on the page", { path: "/inbox/all" }, async ({ page }) => {
  await list(page);
  assert.equal(await page.getByRole("grid").getAttribute("aria-rowcount"), "640");
  for (let i = 0; i < 40; i++) {
    await page.getByRole("grid").evaluate((g) => { g.scrollTop = g.scrollHeight; });
    await page.waitForTimeout(60);
    if (await page.locator('[aria-rowindex="640"]').count()) break;
  }
  await page.locator('[aria-rowindex="640"]').waitFor();
  assert.ok((await page.getByRole("row").count()) < 60);
  assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 2500);
});

flow("a search stands in the address and can widen to all requests", {}, async ({ page }) => {
  await list(page);
  await page.keyboard.press("/");
  await page.keyboard.type("webhooks");
  await page.getByText("Nothing found for “webhooks”").waitFor();
  await page.getByRole("button", { name: "Search all requests" }).click();
  await page.getByText("Webhooks have been failing").first().waitFor();
  assert.match(page.url(), /\/inbox\/all\?q=webhooks$/);
  await page.reload();
  await page.getByText("Webhooks have been failing").first().waitFor();
  await page.getByLabel("Search requests").fill("#48213");
  await becomes(() => page.locator("[aria-rowindex]").count(), 1);
});

flow("a new request moves nothing while the list is pointed at", {}, async ({ page, hub }) => {
  await list(page);
  const first = page.locator('[aria-rowindex="1"]');
  await first.hover();
  const before = await first.textContent();
  hub.newTicket("Brand new request");
  await page.getByRole("button", { name: "1 new request" }).waitFor();
  assert.equal(await first.textContent(), before);
  await page.getByRole("button", { name: "1 new request" }).press("Enter"); // the pointer stays where it is
  await becomes(async () => (await first.textContent()).includes("Brand new request"), true);
});

flow("a new request shows by itself when the list is left alone", {}, async ({ page, hub }) => {
  await list(page);
  await page.mouse.move(1200, 500);
  hub.newTicket("Brand new request");
  await becomes(async () => (await page.locator('[aria-rowindex="1"]').textContent()).includes("Brand new request"), true);
  await page.getByRole("link", { name: /Unassigned 153/ }).waitFor();
});

flow("what happened while the stream was broken is not missed", { expect: /INCOMPLETE_CHUNKED/ }, async ({ page, hub }) => {
  await list(page);
  await page.mouse.move(1200, 500);
  await page.getByText(/^Live/).waitFor();
  hub.dropStreams();
  hub.newTicket("Came in the gap");
  await becomes(async () => (await page.locator('[aria-rowindex="1"]').textContent()).includes("Came in the gap"), true);
});

flow("many tabs share one stream, and the next one takes over", { path: null }, async ({ context, hub }) => {
  const tabs = [];
  for (let i = 0; i < 8; i++) {
    const p = await context.newPage();
    await p.goto("/inbox/unassigned");
    await list(p);
    await p.mouse.move(1200, 500);
    tabs.push(p);
  }
  assert.equal(hub.state.liveOpened, 1);
  hub.newTicket("Heard by all");
  for (const p of tabs) await p.getByText("Heard by all").waitFor();
  await tabs[0].close();
  await becomes(() => hub.state.liveOpened, 2);
  hub.newTicket("Heard by the rest");
  for (const p of tabs.slice(1)) await p.getByText("Heard by the rest").waitFor();
});

flow("letters can be switched off", {}, async ({ page }) => {
  await list(page);
  await page.keyboard.press("Shift+?");
  await page.getByRole("switch").click();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  assert.equal(await active(page), null);
  await page.reload();
  await list(page);
  await page.keyboard.press("j");
  assert.equal(await active(page), null);
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").waitFor();
});

flow("the palette finds actions and requests", { path: "/inbox/unassigned/48213" }, async ({ page }) => {
  await talk(page);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("quarant");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Quarantine" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("48209");
  await page.getByRole("option", { name: /Webhooks/ }).waitFor();
  await page.keyboard.press("Enter");
  await becomes(() => page.url().endsWith("/t/48209"), true);
});
