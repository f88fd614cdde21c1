// Pictures of every screen, light and dark, desktop and phone. Usage: npm run shots -- <folder> [name part]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch, open } from "./browser.mjs";
import { screens } from "./screens.mjs";
import { start } from "./server.mjs";

const folder = process.argv[2];
if (!folder) throw new Error("say where the pictures go: npm run shots -- <folder>");
const only = process.argv[3] ?? "";
mkdirSync(folder, { recursive: true });
const browser = await launch();
let bad = 0;
for (const size of ["desktop", "phone"]) {
  for (const scheme of ["light", "dark"]) {
    for (const [name, screen] of Object.entries(screens)) {
      const label = `${name}-${size}-${scheme}`;
      if (!label.includes(only) || (screen.only && screen.only !== size)) continue;
      const hub = await start({ signedIn: !screen.signedOut });
      const { context, page, troubles } = await open(browser, { size, scheme, origin: hub.url });
      try {
        await screen.show(page, hub, size);
        await page.screenshot({ path: join(folder, `${label}.png`) });
      } catch (e) {
        bad++;
        process.stderr.write(`${label}: ${e.message.split("\n")[0]}\n`);
        await page.screenshot({ path: join(folder, `${label}.failed.png`) });
      }
      const real = troubles.filter((t) => !screen.expect?.test(t));
      if (real.length > 0) { bad++; process.stderr.write(`${label}: ${real.join(" | ")}\n`); }
      await context.close();
      await hub.close();
    }
  }
}
await browser.close();
process.exitCode = bad ? 1 : 0;
