// Screens through axe, in light and dark: no violation is allowed. The main screens each time, every screen on a desktop
// and on a phone with HUB_AXE=all (npm run e2e:all).
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { screens } from "../dev/screens.mjs";
import { flow } from "./harness.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function violations(page, scheme) {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  const found = await page.evaluate(async (tags) => {
    // The frame of a mail belongs to its sender; it is shown as it was sent.
    const r = await globalThis.axe.run({ exclude: ["iframe"] }, { runOnly: tags, resultTypes: ["violations"] });
    return r.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} ${n.any[0]?.message ?? ""}`).join(" | ")}`);
  }, rules);
  return found.map((f) => `${scheme}: ${f}`);
}

const all = process.env.HUB_AXE === "all";
const main = {
  desktop: ["login-wrong", "inbox", "search", "ticket", "ticket-html", "ticket-deliveries", "note", "message-menu", "send-menu", "redact", "palette", "assign", "outbox", "quarantine", "mail", "system", "notices", "requests", "request", "retention", "holds", "hold", "demand", "case", "transfer", "person", "register", "audit", "audit-opened"],
  phone: ["inbox", "ticket", "navigation", "requests", "request", "retention", "case", "person", "audit"],
};

for (const size of ["desktop", "phone"]) {
  for (const [name, screen] of Object.entries(screens)) {
    if ((screen.only && screen.only !== size) || !(all || main[size].includes(name))) continue;
    flow(`${name} on a ${size}`, { size, signedIn: !screen.signedOut, path: null, expect: screen.expect }, async ({ page, hub }) => {
      await page.addInitScript({ path: axe });
      await screen.show(page, hub, size);
      assert.deepEqual([...(await violations(page, "light")), ...(await violations(page, "dark"))], []);
    });
  }
}
