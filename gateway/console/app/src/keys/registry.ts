// Every key the console knows, in one place. The palette, the tooltips and the key sheet read the same registry,
// so none of them can go stale. tinykeys does the matching.
import { createKeybindingsHandler } from "tinykeys";
import { createStore } from "../state/store";

export type KeyGroup = "Anywhere" | "List" | "Request" | "Writing";
export interface Key {
  id: string;
  title: string;
  group: KeyGroup;
  /** tinykeys bindings; the first one is shown. None for an action that only the palette offers. */
  keys: string[];
  run(e?: KeyboardEvent): void;
  /** Also while typing in a field. Only for bindings with Ctrl or Command. */
  inInput?: boolean;
  /** Offered in the palette. */
  palette?: boolean;
  /** Not listed in the key sheet: a second name for a key that is listed. */
  quiet?: boolean;
}

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** Whether a binding is made of bare characters: these have an off switch (WCAG 2.1.4). */
export const isSingle = (binding: string): boolean =>
  !/(^|[\s+])(\$mod|Control|Meta|Alt)\+/.test(binding) && !/^(Escape|Enter|Arrow\w+|Home|End|Page\w+)$/.test(binding);

const symbols: Record<string, string> = {
  $mod: isMac ? "⌘" : "Ctrl", Control: "Ctrl", Meta: "⌘", Alt: isMac ? "⌥" : "Alt", Shift: "⇧", Enter: "↵", Escape: "Esc",
  ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→",
};

/** "$mod+Shift+Enter" → ["Ctrl", "⇧", "↵"]; "g u" → ["G", "U"]. */
export function keyCaps(binding: string): string[] {
  if (binding === "Shift+?") return ["?"];
  return binding.split(" ").flatMap((press) => press.split(/\+(?!$)/).map((k) => symbols[k] ?? (k.length === 1 ? k.toUpperCase() : k)));
}

const editable = (t: EventTarget | null): boolean => {
  const e = t instanceof HTMLElement ? t : null;
  return !!e && (e.isContentEditable || e.tagName === "TEXTAREA" || e.tagName === "SELECT" ||
    (e.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test((e as HTMLInputElement).type)));
};

export interface RegistryOptions { singleKeys(): boolean; blocked(): boolean }

export class KeyRegistry {
  readonly entries = createStore<readonly Key[]>([]);
  private plain: EventListener = () => undefined;
  private typing: EventListener = () => undefined;

  constructor(private readonly options: RegistryOptions) {}

  /** Adds keys until the returned function is called. The newest entry for a binding wins. */
  add(keys: readonly Key[]): () => void {
    this.change([...this.entries.get(), ...keys]);
    return () => this.change(this.entries.get().filter((k) => !keys.includes(k)));
  }

  /** Handles one key press; give it to a keydown listener. */
  handle = (e: KeyboardEvent): void => {
    if (e.isComposing || e.defaultPrevented) return;
    if (editable(e.target)) this.typing(e);
    else this.plain(e);
  };

  find = (id: string): Key | undefined => this.entries.get().findLast((k) => k.id === id);

  private change(keys: readonly Key[]): void {
    const plain: Record<string, (e: KeyboardEvent) => void> = {};
    const typing: typeof plain = {};
    // Sequences come first: the end of "g u" must not also be the key "u".
    const bindings = keys.flatMap((k) => k.keys.map((b) => ({ k, b }))).sort((x, y) => y.b.split(" ").length - x.b.split(" ").length);
    for (const { k, b } of bindings) {
      plain[b] = (e) => this.run(k, b, e);
      if (k.inInput) typing[b] = plain[b];
    }
    this.plain = createKeybindingsHandler(plain);
    this.typing = createKeybindingsHandler(typing);
    this.entries.set(keys);
  }

  private run(k: Key, binding: string, e: KeyboardEvent): void {
    if (e.defaultPrevented || (this.options.blocked() && !k.inInput)) return;
    if (isSingle(binding) && !this.options.singleKeys()) return;
    e.preventDefault();
    k.run(e);
  }
}
