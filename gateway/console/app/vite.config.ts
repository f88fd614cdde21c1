/// <reference types="vitest/config" />
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const dist = resolve(import.meta.dirname, "../dist");

/** Empties dist but for its .gitignore, the one file of it that is in git. */
const emptyDist: Plugin = {
  name: "empty-dist",
  apply: "build",
  buildStart() {
    for (const name of readdirSync(dist)) if (name !== ".gitignore") rmSync(join(dist, name), { recursive: true });
  },
};

// The build goes to ../dist, which the Go package embeds. Nothing is inlined: the page's
// content security policy allows neither inline scripts nor data: fonts.
export default defineConfig({
  plugins: [react(), tailwindcss(), emptyDist],
  build: {
    outDir: dist,
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: { "/api": { target: process.env.HUB_URL ?? "http://127.0.0.1:8080", changeOrigin: false } },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
