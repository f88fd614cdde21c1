// What this browser remembers about how its owner likes to work.
import { createStore } from "./store";

export type Theme = "system" | "light" | "dark";
export interface Settings { theme: Theme; singleKeys: boolean; side: boolean; density: "comfortable" | "compact" }

const KEY = "hub.settings";
const defaults: Settings = { theme: "system", singleKeys: true, side: true, density: "comfortable" };

function load(): Settings {
  try {
    const raw = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>;
    return { ...defaults, ...raw };
  } catch {
    return defaults;
  }
}

export const settings = createStore<Settings>(load());

export function changeSettings(change: Partial<Settings>): void {
  settings.set((s) => ({ ...s, ...change }));
  try { localStorage.setItem(KEY, JSON.stringify(settings.get())); } catch { /* kept for this page only */ }
  applyTheme();
}

export function applyTheme(): void {
  const { theme } = settings.get();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
