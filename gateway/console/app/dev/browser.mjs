// Chromium as the pictures and tests use it: nothing of its own on the network, a fresh profile each time.
import { chromium } from "playwright-core";

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const launch = () => chromium.launch({
  executablePath: CHROMIUM,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--font-render-hinting=none", "--force-color-profile=srgb",
  ],
});

export const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

/** A page that remembers every console error, every policy report and every request to another host. */
export async function open(browser, { size = "desktop", scheme = "light", scale = 1, origin, motion = "reduce" } = {}) {
  const context = await browser.newContext({
    viewport: sizes[size] ?? size, colorScheme: scheme, deviceScaleFactor: scale, reducedMotion: motion, hasTouch: size === "phone", isMobile: size === "phone",
    locale: "en-GB", timezoneId: "Europe/Lisbon", baseURL: origin,
  });
  const page = await context.newPage();
  const troubles = [];
  page.on("console", (m) => { if (m.type() === "error" || /content security policy/i.test(m.text())) troubles.push(m.text()); });
  page.on("pageerror", (e) => troubles.push(String(e)));
  page.on("request", (r) => { if (origin && !r.url().startsWith(origin) && !/^(data|blob|about):/.test(r.url())) troubles.push(`request to ${r.url()}`); });
  return { context, page, troubles };
}
