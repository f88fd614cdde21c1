import { useEffect, useRef } from "react";
import { settings } from "../state/settings";
import { useStore } from "../state/store";
import { type Key, keyCaps, KeyRegistry } from "./registry";

/** A menu or dialog keeps single keys for itself. */
const overlayOpen = (): boolean => document.querySelector('[role="dialog"],[role="alertdialog"],[role="menu"]') !== null;

export const registry = new KeyRegistry({ singleKeys: () => settings.get().singleKeys, blocked: overlayOpen });

/** Registers keys while the component is on the page. `keys` may be new on every render; only ids and bindings matter. */
export function useKeys(keys: Key[]): void {
  const current = useRef(keys);
  current.current = keys;
  const signature = keys.map((k) => `${k.id}:${k.title}:${k.keys.join(",")}`).join("|");
  useEffect(() => {
    const stable = current.current.map((k, i): Key => ({ ...k, run: (e) => current.current[i]?.run(e) }));
    return registry.add(stable);
  }, [signature]);
}

/** The caps of an action's first key, when single keys are on or it needs none. */
export function useCaps(id: string): string[] {
  const { singleKeys } = useStore(settings);
  useStore(registry.entries);
  const binding = registry.find(id)?.keys[0];
  if (!binding || (!singleKeys && !/\$mod|Control|Meta/.test(binding))) return [];
  return keyCaps(binding);
}
