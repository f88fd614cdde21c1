import { ChevronDown, Paperclip, SendHorizontal, X } from "lucide-react";
import { useState } from "react";
import { isMac } from "../keys/registry";
import { fileSize } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { Caps, KeyOf } from "../ui/kbd";
import { Menu, MenuItem, MenuLabel, MenuLine } from "../ui/menu";
import { laterTimes } from "./later";

/** As high as its text, between two or three lines and what the style allows. */
export function grow(el: HTMLTextAreaElement | null, phone: boolean): void {
  const box = el?.parentElement;
  if (!el || !box) return;
  // The box keeps its height while the text is measured, so that the conversation above does not jump.
  box.style.height = `${box.offsetHeight}px`;
  el.style.height = "auto";
  el.style.height = `${Math.max(phone ? 44 : 62, el.scrollHeight)}px`;
  box.style.height = "";
}

export function Tab({ active, note, disabled, keyOf, ...rest }: { active: boolean; note?: boolean; disabled?: boolean; keyOf: string; onClick: () => void; children: React.ReactNode }) {
  return (
    <button type="button" aria-pressed={active} aria-disabled={disabled || undefined} onClick={rest.onClick} onMouseDown={(e) => e.preventDefault()}
      className={cx("inline-flex h-[26px] items-center gap-1.5 rounded-sm px-2 font-label max-pane:h-9", active ? (note ? "bg-note-line/55 text-note-fg" : "bg-accent-soft text-accent-text") : disabled ? "text-subtle opacity-60" : "text-muted hover:bg-hover hover:text-fg")}>
      {rest.children}<KeyOf id={keyOf} className="ms-1 [&_kbd]:bg-transparent [&_kbd]:border-current/25 [&_kbd]:text-inherit" />
    </button>
  );
}

/** The way to attach; pasting and dropping files do it as well. */
export const AttachButton = ({ onClick }: { onClick: () => void }) => (
  <IconButton label="Attach files" keyOf="attach" onMouseDown={(e) => e.preventDefault()} onClick={onClick}><Paperclip className="size-4" /></IconButton>
);

export const FileChip = ({ file: f, onRemove }: { file: File; onRemove: () => void }) => (
  <span className="inline-flex h-7 max-w-56 items-center gap-1.5 rounded-sm border border-line bg-canvas ps-2 text-chip max-pane:h-11">
    <span className="truncate font-label">{f.name}</span><span className="tnum shrink-0 text-subtle">{fileSize(f.size)}</span>
    <button type="button" aria-label={`Leave out ${f.name}`} onClick={onRemove} className="inline-flex size-6 shrink-0 items-center justify-center rounded-xs text-subtle hover:text-fg max-pane:size-11"><X className="size-3.5" /></button>
  </span>
);

interface SendProps { note: boolean; canResolve: boolean; empty: boolean; onSend: () => void; onResolve: () => void; onLater: (iso: string) => void }

export function SendButton({ note, canResolve, empty, onSend, onResolve, onLater }: SendProps) {
  const [picking, setPicking] = useState(false);
  const tone = note ? "bg-note-fg text-note" : "bg-accent text-accent-fg hover:bg-accent-hover";
  const menu = !note;
  const hold = (e: React.MouseEvent): void => e.preventDefault();
  return (
    <span className={cx("inline-flex rounded-sm shadow-low", empty && "opacity-50")}>
      <button type="button" aria-disabled={empty || undefined} onMouseDown={hold} onClick={onSend}
        className={cx("control inline-flex items-center gap-2 px-3 font-strong", menu ? "rounded-s-sm" : "rounded-sm", tone)}>
        <SendHorizontal className="size-4 pane:hidden" aria-hidden />{note ? "Add note" : "Send"}
        <Caps caps={[isMac ? "⌘" : "Ctrl", "↵"]} className="[&_kbd]:border-current/35 [&_kbd]:bg-transparent [&_kbd]:text-inherit" />
      </button>
      {menu && (
        <Menu align="end" trigger={<button type="button" aria-label="More ways to send" className={cx("control inline-flex w-7 items-center justify-center rounded-e-sm border-s border-white/25 max-pane:w-11", tone)}><ChevronDown className="size-4" /></button>}>
          <MenuItem keyOf="send" onSelect={onSend}>Send</MenuItem>
          {canResolve && <MenuItem keyOf="send-resolve" onSelect={onResolve}>Send and resolve</MenuItem>}
          <MenuLine />
          <MenuLabel>Send later</MenuLabel>
          {laterTimes(new Date()).map((x) => <MenuItem key={x.iso} disabled={empty} onSelect={() => onLater(x.iso)}>{x.label}</MenuItem>)}
          <MenuItem disabled={empty} onSelect={() => setPicking(true)}>Another time…</MenuItem>
        </Menu>
      )}
      {picking && (
        <AskDialog title="Send later" text="It waits on the server, so this computer may be off. Until then you can take it back." act="Send then" onClose={() => setPicking(false)}
          fields={[{ name: "at", label: "Send at", kind: "datetime-local", hint: "In your time, at most 90 days from now." }]}
          onAct={async (v) => {
            const when = new Date(v.at!);
            if (when.getTime() < Date.now()) throw new Error("That moment has passed.");
            onLater(when.toISOString());
          }} />
      )}
    </span>
  );
}
