import assert from "node:assert/strict";
import { office } from "../dev/office.mjs";
import { becomes, flow } from "./harness.mjs";

const { ids } = office();

flow("an erasure is approved for exactly what was shown", { path: "/office/requests" }, async ({ page, hub }) => {
  const erasure = hub.db.office.erasures[ids.erasure];
  await page.getByRole("link", { name: "Erasure" }).click();
  await page.getByText("155 pieces of data in 14 records will go").waitFor();
  await page.getByRole("button", { name: "Approve the erasure…" }).click();
  assert.equal(erasure.phase, "approving", "asking is not doing");
  await page.getByRole("button", { name: "Erase", exact: true }).click();
  await page.getByText("Erasing", { exact: true }).waitFor();
  assert.equal(erasure.phase, "working");
  assert.equal(await page.getByRole("button", { name: "Approve the erasure…" }).count(), 0);
});

flow("an erasure whose scope changed is not approved", { path: `/office/requests/${ids.erasure}`, expect: /409/ }, async ({ page, hub }) => {
  await page.getByRole("button", { name: "Approve the erasure…" }).click();
  hub.db.office.erasures[ids.erasure].scope.digest = "other";
  await page.getByRole("button", { name: "Erase", exact: true }).click();
  await page.getByText("What would go has changed since you looked.").waitFor();
  assert.equal(hub.db.office.erasures[ids.erasure].phase, "approving");
});

flow("a notice is approved by somebody who did not write it", { path: "/ops/notices" }, async ({ page, hub }) => {
  const row = (title) => page.getByRole("listitem").filter({ hasText: title });
  const state = (id) => hub.db.office.notices.find((n) => n.id === id).state;
  const own = row("Spring offers").getByRole("button", { name: "Approve" });
  assert.equal(await own.getAttribute("aria-disabled"), "true");
  await row("Policy of January").getByRole("button", { name: "Approve" }).click();
  await becomes(() => state("n-1"), "approved");
  await row("Policy of January").getByRole("button", { name: "Send to all…" }).click();
  assert.equal(state("n-1"), "approved", "asking is not doing");
  await page.getByRole("button", { name: "Send to all", exact: true }).click();
  await becomes(() => state("n-1"), "sending");
  assert.equal(state("n-4"), "draft");
});
