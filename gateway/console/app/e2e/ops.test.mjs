import assert from "node:assert/strict";
import { becomes, flow } from "./harness.mjs";

flow("an unknown outcome is decided by a person", { path: "/ops/outbox?state=unknown" }, async ({ page, hub }) => {
  const mail = hub.db.outbox.find((o) => o.state === "unknown");
  await page.getByRole("button", { name: "It was sent…" }).click();
  assert.equal(mail.state, "unknown", "asking is not doing");
  await page.getByRole("button", { name: "Record as sent" }).click();
  await page.getByText("Outcome recorded").first().waitFor();
  assert.equal(mail.state, "accepted");
  await page.getByText("Nothing is unknown").waitFor();
});

flow("failed mail is sent again, queued mail is cancelled", { path: "/ops/outbox" }, async ({ page, hub }) => {
  const failed = hub.db.outbox.find((o) => o.state === "failed");
  const queued = hub.db.outbox.find((o) => o.state === "queued");
  await page.getByRole("listitem").filter({ hasText: "Refused as spam" }).getByRole("button", { name: "Send again" }).click();
  await becomes(() => failed.state, "queued");
  await page.getByRole("button", { name: "Cancel…" }).first().click();
  await page.getByRole("button", { name: "Cancel the mail" }).click();
  await becomes(() => queued.state, "cancelled");
});

flow("quarantined mail is released or discarded", { path: "/ops/quarantine" }, async ({ page, hub }) => {
  await page.getByRole("button", { name: "Release" }).first().click();
  await becomes(() => hub.db.quarantine[0].state, "released");
  await page.getByRole("button", { name: "Discard…" }).last().click();
  await page.getByRole("button", { name: "Discard the mail" }).click();
  await becomes(() => hub.db.quarantine[1].state, "discarded");
});

flow("quarantined mail is read once more", { path: "/ops/quarantine" }, async ({ page, hub }) => {
  await page.getByRole("button", { name: "Try again" }).first().click();
  await becomes(() => hub.db.quarantine[0].state, "released");
});

flow("a mailbox is compared with its server and connected at its provider", { path: "/ops/mail" }, async ({ page, hub }) => {
  const box = (address) => page.getByRole("listitem").filter({ hasText: address });
  await box("billing@").getByText("2 mails had been missed and were fetched").waitFor();
  await box("billing@").getByRole("button", { name: "Compare now" }).click();
  await box("billing@").getByText("Nothing missing").waitFor();
  await box("privacy@").getByRole("button", { name: "Connect", exact: true }).click();
  await box("privacy@").getByText("The hub may use this mailbox.").waitFor();
  assert.equal(new URL(page.url()).search, "", "the code does not stay in the address");
  assert.equal(hub.db.mailboxes[2].access.connected, true);
});

flow("light and dark can be chosen and are remembered", { path: "/ops/system" }, async ({ page }) => {
  const canvas = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.getByRole("table").waitFor();
  assert.equal(await canvas(), "rgb(244, 246, 248)");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("menuitemradio", { name: "Dark" }).click();
  await becomes(canvas, "rgb(11, 13, 16)");
  await page.reload();
  await becomes(canvas, "rgb(11, 13, 16)");
});

flow("signing out forgets drafts", { path: "/inbox/unassigned/48213", expect: /401/ }, async ({ page }) => {
  await page.getByRole("textbox", { name: "Reply to Ada" }).fill("secret");
  await page.getByText("Draft saved").waitFor();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: /Sign in/ }).waitFor();
  assert.equal(await page.evaluate(() => Object.keys(localStorage).some((k) => k.startsWith("hub.draft"))), false);
});
