import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { setUnauthenticated } from "./api/client";
import { queryClient } from "./api/queries";
import { registry } from "./keys/keys";
import { router } from "./router";
import { applyTheme } from "./state/settings";
import "./styles.css";

applyTheme();

// Libraries that add a <style> element read the nonce from here; without it the page's policy refuses them.
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content;
if (nonce) setNonce(nonce);

setUnauthenticated(() => {
  if (router.state.location.pathname === "/login") return;
  queryClient.clear();
  void router.navigate({ to: "/login", search: { to: router.state.location.href } });
});

// After an upgrade an old page asks for files that are gone. Only then is it loaded anew, never for a lost connection.
window.addEventListener("vite:preloadError", () => void reloadWhenUpgraded());

async function reloadWhenUpgraded(): Promise<void> {
  const own = document.querySelector<HTMLScriptElement>('script[type="module"]')?.getAttribute("src");
  try {
    const page = await fetch("/", { cache: "no-store" });
    if (own && page.ok && !(await page.text()).includes(own)) location.reload();
  } catch {
    // No connection: the page goes on with what it has.
  }
}

window.addEventListener("keydown", registry.handle);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
