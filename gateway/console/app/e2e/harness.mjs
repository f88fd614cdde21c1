// What the end-to-end tests share: one Chromium, one made-up hub per test, and no console error left unseen.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { CHROMIUM, launch, open } from "../dev/browser.mjs";
import { start } from "../dev/server.mjs";

const required = (process.env.HUB_REQUIRE ?? "").split(",").includes("chromium");
const missing = existsSync(CHROMIUM) ? "" : `no Chromium at ${CHROMIUM}: install it or set CHROMIUM`;
if (missing && required) throw new Error(missing);

let browser;
before(async () => { if (!missing) browser = await launch(); });
after(async () => { await browser?.close(); });

/** A test in a fresh browser profile against a fresh hub. `expect` names console errors that belong to the test. */
export function flow(name, { size = "desktop", signedIn = true, path = "/inbox/unassigned", expect } = {}, run) {
  test(name, { skip: missing || false, timeout: 60_000 }, async () => {
    const hub = await start({ signedIn });
    const { context, page, troubles } = await open(browser, { size, origin: hub.url });
    try {
      if (path) await page.goto(path);
      await run({ page, hub, context, browser });
      assert.deepEqual(troubles.filter((t) => !expect?.test(t)), [], "console errors, policy reports or requests to other hosts");
    } finally {
      await context.close();
      await hub.close();
    }
  });
}

/** Waits until fn's value equals what is wanted; says the last value when it does not. */
export async function becomes(fn, wanted, ms = 5000) {
  const end = Date.now() + ms;
  let have;
  do {
    have = await fn();
    if (have === wanted) return;
    await new Promise((r) => setTimeout(r, 25));
  } while (Date.now() < end);
  assert.equal(have, wanted);
}

export const talk = (page) => page.getByRole("article").first().waitFor();
export const list = (page) => page.getByRole("grid").waitFor();
export const active = (page) => page.getByRole("grid").getAttribute("aria-activedescendant");
