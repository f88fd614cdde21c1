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

// After an upgrade an old page asks for files that are gone: load the new page, at most once a minute.
window.addEventListener("vite:preloadError", (e) => {
  const last = Number(sessionStorage.getItem("hub.reloaded") ?? 0);
  if (Date.now() - last < 60_000) return;
  e.preventDefault();
  sessionStorage.setItem("hub.reloaded", String(Date.now()));
  location.reload();
});

window.addEventListener("keydown", registry.handle);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
