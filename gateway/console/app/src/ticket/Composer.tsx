import { ChevronDown, Lock, Reply, SendHorizontal } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message, TicketDetail } from "../api/types";
import { useKeys } from "../keys/keys";
import { isMac } from "../keys/registry";
import { type DraftKind, readDraft, writeDraft } from "../state/drafts";
import { usePhone } from "../state/media";
import { firstName, personName } from "../text/words";
import { cx } from "../ui/cx";
import { Caps, KeyOf } from "../ui/kbd";
import { AskDialog } from "../ui/AskDialog";
import { Menu, MenuItem, MenuLabel, MenuLine } from "../ui/menu";
import { toast } from "../ui/toast";
import { laterTimes, whenWords } from "./later";
import { joined, recall, send, writer } from "./sends";
import { StaleNotice } from "./StaleNotice";
import { isOpen } from "./TicketKeys";

interface ComposerProps { ticket: TicketDetail; revision: number; onRead: (ids: string[]) => void }

interface Refused { revision: number; messages: Message[]; resolve: boolean; sendAt?: string }

export function Composer({ ticket: t, revision, onRead }: ComposerProps) {
  const [kind, setKind] = useState<DraftKind>(t.erased ? "note" : "reply");
  const [text, setText] = useState(() => readDraft(t.id, kind));
  const [saved, setSaved] = useState(text !== "");
  const [stale, setStale] = useState<Refused | null>(null);
  const [failed, setFailed] = useState("");
  const [focused, setFocused] = useState(false);
  const retryKey = useRef<{ key: string; text: string } | undefined>(undefined);
  const area = useRef<HTMLTextAreaElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const phone = usePhone();
  const note = kind === "note";
  const name = firstName(personName(t.customer, t.erased));
  const small = phone && !focused && text === "";

  useLayoutEffect(() => grow(area.current, phone), [text, phone, small]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function write(next: string): void {
    setText(next);
    setSaved(false);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSaved(writeDraft(t.id, kind, next) && next.trim() !== ""), 400);
  }

  function setKindTo(to: DraftKind): void {
    if (to === "reply" && t.erased) return;
    const next = readDraft(t.id, to);
    setKind(to);
    setText(next);
    setSaved(next !== "");
    setFailed("");
  }

  function change(to: DraftKind): void {
    clearTimeout(timer.current);
    if (to !== kind) {
      writeDraft(t.id, kind, text);
      setKindTo(to);
    }
    area.current?.focus();
  }

  // Words of a reply that was taken back come back here.
  useEffect(() => writer(t.id, (words) => {
    const next = joined(words, kind === "reply" ? text : readDraft(t.id, "reply"));
    clearTimeout(timer.current);
    if (kind === "note") writeDraft(t.id, "note", text);
    writeDraft(t.id, "reply", next);
    setKindTo("reply");
    area.current?.focus();
  }));

  async function submit(resolve = false, at = revision, sendAt?: string): Promise<void> {
    const words = text.trim();
    if (words === "") { area.current?.focus(); return; }
    clearTimeout(timer.current);
    writeDraft(t.id, kind, text);
    setText("");
    setSaved(false);
    setStale(null);
    setFailed("");
    area.current?.blur(); // so that the next key is a command again
    const same = `${sendAt ?? ""} ${words}`;
    const key = retryKey.current?.text === same ? retryKey.current.key : undefined;
    const result = await send({ ticket: t.id, kind, text: words, resolve: resolve && !note, revision: at, key, sendAt });
    if (result.ok) {
      retryKey.current = undefined;
      if (note && document.activeElement !== area.current) setKindTo("reply");
      if (note) toast("Note added");
      else toast(sendAt ? `Goes out ${whenWords(sendAt)}` : resolve ? "Reply on its way, request resolved" : "Reply on its way", result.message ? { action: { label: "Undo", run: () => void recall(t.id, result.message, words) } } : {});
      return;
    }
    const { problem } = result;
    setText((now) => (now.trim() === "" ? text : `${text}\n\n${now}`));
    setSaved(true);
    area.current?.focus({ preventScroll: true });
    if (problem.status === 412) {
      retryKey.current = undefined;
      setStale({ revision: problem.body.revision ?? t.revision, messages: problem.body.new ?? [], resolve, sendAt });
    } else {
      retryKey.current = problem.status === 0 ? { key: result.key, text: same } : undefined;
      setFailed(problem.status === 0 ? "Not sent, there is no connection. The draft is kept; send it again when you are back." : problem.message);
    }
  }

  function read(): void {
    if (!stale) return;
    onRead(stale.messages.map((m) => m.id));
    const first = stale.messages[0];
    if (first) document.getElementById(`message-${first.id}`)?.scrollIntoView({ block: "center", behavior: "smooth" });
    setStale(null);
    area.current?.focus({ preventScroll: true });
  }

  useKeys([
    { id: "reply", title: `Reply to ${name}`, group: "Request", keys: ["r"], palette: true, run: () => change("reply") },
    { id: "note", title: "Add an internal note", group: "Request", keys: ["n"], palette: true, run: () => change("note") },
    { id: "send", title: "Send", group: "Writing", keys: ["$mod+Enter"], inInput: true, run: () => { if (document.activeElement === area.current) void submit(); } },
    ...(isOpen(t) ? [{ id: "send-resolve", title: "Send and resolve", group: "Writing" as const, keys: ["$mod+Shift+Enter"], inInput: true, run: () => { if (document.activeElement === area.current) void submit(!note); } }] : []),
    { id: "switch", title: "Change between reply and note", group: "Writing", keys: ["$mod+Shift+."], inInput: true, run: () => change(note ? "reply" : "note") },
  ]);

  const empty = text.trim() === "";
  return (
    <div className="shrink-0 px-5 pb-3.5 max-pane:px-3 max-pane:pb-[max(12px,env(safe-area-inset-bottom))]">
      <div className="mx-auto max-w-[760px]">
        {stale && <StaleNotice messages={stale.messages} customer={t.customer} onRead={read} onAnyway={() => void submit(stale.resolve, stale.revision, stale.sendAt)} />}
        {failed && <p role="alert" className="mb-2 rounded-md bg-danger-soft px-3 py-2 text-danger">{failed}</p>}
        <div className={cx("rounded-lg border shadow-low focus-within:border-line-strong", note ? "border-note-line bg-note focus-within:border-note-fg" : "border-line-strong/60 bg-panel")}>
          {!small && (
            <div className="flex items-center gap-1 px-2 pt-2">
              <Tab active={!note} disabled={t.erased} onClick={() => change("reply")} keyOf="reply"><Reply className="size-4" aria-hidden />Reply</Tab>
              <Tab active={note} note onClick={() => change("note")} keyOf="note"><Lock className="size-3.5" aria-hidden />Note</Tab>
              <span className={cx("ms-auto flex min-w-0 items-center gap-2 pe-1 text-chip", note ? "text-note-fg" : "text-subtle")}>
                {t.erased ? "Erased: there is no address to reply to" : note ? "Only agents see this" : <>To<span className="truncate rounded-xs border border-line px-2 py-0.5 text-fg max-pane:max-w-36">{t.customer.address || name}</span></>}
              </span>
            </div>
          )}
          <div className={small ? "flex items-center" : ""}>
            <textarea
              ref={area}
              value={text}
              rows={1}
              onChange={(e) => write(e.target.value)}
              onFocus={() => setFocused(true)}
              onBlur={() => setFocused(false)}
              onKeyDown={(e) => { if (e.key === "Escape" && !e.nativeEvent.isComposing) { e.preventDefault(); e.currentTarget.blur(); } }}
              aria-label={note ? "Internal note" : `Reply to ${name}`}
              placeholder={note ? "Write a note for the team" : `Reply to ${name}`}
              className={cx("block max-h-[38dvh] w-full resize-none overflow-y-auto bg-transparent px-3.5 py-2 text-message outline-none", note && "placeholder:text-note-fg")}
            />
          </div>
          {!small && (
            <div className="flex items-center gap-2 px-2 pb-2">
              <span className={cx("ms-auto text-chip", note ? "text-note-fg" : "text-subtle")}>{saved && !empty ? "Draft saved" : ""}</span>
              <SendButton note={note} canResolve={isOpen(t)} empty={empty} onSend={() => void submit()} onResolve={() => void submit(true)} onLater={(iso) => void submit(false, revision, iso)} />
            </div>
          )}
        </div>
      </div>
    </div>
  );
}

/** As high as its text, between two or three lines and what the style allows. */
function grow(el: HTMLTextAreaElement | null, phone: boolean): void {
  const box = el?.parentElement;
  if (!el || !box) return;
  // The box keeps its height while the text is measured, so that the conversation above does not jump.
  box.style.height = `${box.offsetHeight}px`;
  el.style.height = "auto";
  el.style.height = `${Math.max(phone ? 44 : 62, el.scrollHeight)}px`;
  box.style.height = "";
}

function Tab({ active, note, disabled, keyOf, ...rest }: { active: boolean; note?: boolean; disabled?: boolean; keyOf: string; onClick: () => void; children: React.ReactNode }) {
  return (
    <button type="button" aria-pressed={active} aria-disabled={disabled || undefined} onClick={rest.onClick} onMouseDown={(e) => e.preventDefault()}
      className={cx("inline-flex h-[26px] items-center gap-1.5 rounded-sm px-2 font-label max-pane:h-9", active ? (note ? "bg-note-line/55 text-note-fg" : "bg-accent-soft text-accent-text") : disabled ? "text-subtle opacity-60" : "text-muted hover:bg-hover hover:text-fg")}>
      {rest.children}<KeyOf id={keyOf} className="ms-1 [&_kbd]:bg-transparent [&_kbd]:border-current/25 [&_kbd]:text-inherit" />
    </button>
  );
}

interface SendProps { note: boolean; canResolve: boolean; empty: boolean; onSend: () => void; onResolve: () => void; onLater: (iso: string) => void }

function SendButton({ note, canResolve, empty, onSend, onResolve, onLater }: SendProps) {
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
