import { Lock, Reply } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message, TicketDetail } from "../api/types";
import { useKeys } from "../keys/keys";
import { type DraftKind, readDraft, writeDraft } from "../state/drafts";
import { usePhone } from "../state/media";
import { useSession } from "../state/me";
import { whenWords } from "../text/time";
import { firstName, personName } from "../text/words";
import { cx } from "../ui/cx";
import { toast } from "../ui/toast";
import { AttachButton, FileChip, grow, SendButton, Tab } from "./ComposerParts";
import { added, tooMuch } from "./files";
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
  const [files, setFiles] = useState<File[]>([]);
  const { undo_seconds: undo } = useSession();
  const retryKey = useRef<{ key: string; text: string } | undefined>(undefined);
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const phone = usePhone();
  const note = kind === "note";
  const name = firstName(personName(t.customer, t.erased));
  const small = phone && !focused && text === "" && files.length === 0;

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
    const going = note ? [] : files;
    const much = tooMuch(going);
    if (much) { setFailed(much); return; }
    clearTimeout(timer.current);
    writeDraft(t.id, kind, text);
    setText("");
    setFiles([]);
    setSaved(false);
    setStale(null);
    setFailed("");
    area.current?.blur(); // so that the next key is a command again
    const same = JSON.stringify([sendAt, words, going.map((f) => [f.name, f.size, f.lastModified])]);
    const key = retryKey.current?.text === same ? retryKey.current.key : undefined;
    const result = await send({ ticket: t.id, kind, text: words, resolve: resolve && !note, revision: at, key, sendAt, files: going });
    if (result.ok) {
      retryKey.current = undefined;
      if (note && document.activeElement !== area.current) setKindTo("reply");
      if (note) toast("Note added");
      else toast(sendAt ? `Goes out ${whenWords(sendAt)}` : resolve ? "Reply on its way, request resolved" : "Reply on its way", result.message && (sendAt || undo > 0) ? { action: { label: "Undo", run: () => void recall(t.id, result.message, words).then((ok) => { if (ok) setFiles(going); }) }, ...(!sendAt && { seconds: undo }) } : {});
      return;
    }
    const { problem } = result;
    setText((now) => (now.trim() === "" ? text : `${text}\n\n${now}`));
    setFiles((now) => added(going, now));
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

  function attach(list: FileList): void {
    const next = added(files, [...list]);
    setFailed(tooMuch(next));
    setFiles(next);
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
    ...(note ? [] : [{ id: "attach", title: "Attach files", group: "Writing" as const, keys: ["$mod+Shift+a"], inInput: true, run: () => picker.current?.click() }]),
    { id: "switch", title: "Change between reply and note", group: "Writing", keys: ["$mod+Shift+."], inInput: true, run: () => change(note ? "reply" : "note") },
  ]);

  const empty = text.trim() === "";
  return (
    <div className="shrink-0 px-5 pb-3.5 max-pane:px-3 max-pane:pb-[max(12px,env(safe-area-inset-bottom))]">
      <div className="mx-auto max-w-[760px]">
        {stale && <StaleNotice messages={stale.messages} customer={t.customer} onRead={read} onAnyway={() => void submit(stale.resolve, stale.revision, stale.sendAt)} />}
        {failed && <p role="alert" className="mb-2 rounded-md bg-danger-soft px-3 py-2 text-danger">{failed}</p>}
        <div onDragOver={(e) => { if (!note) e.preventDefault(); }} onDrop={(e) => { if (!note && e.dataTransfer.files.length > 0) { e.preventDefault(); attach(e.dataTransfer.files); } }}
          className={cx("rounded-lg border shadow-low focus-within:border-line-strong", note ? "border-note-line bg-note focus-within:border-note-fg" : "border-line-strong/60 bg-panel")}>
          {!small && (
            <div className="flex items-center gap-1 px-2 pt-2">
              <Tab active={!note} disabled={t.erased} onClick={() => change("reply")} keyOf="reply"><Reply className="size-4" aria-hidden />Reply</Tab>
              <Tab active={note} note onClick={() => change("note")} keyOf="note"><Lock className="size-3.5" aria-hidden />Note</Tab>
              <span className={cx("ms-auto flex min-w-0 items-center gap-2 pe-1 text-chip", note ? "text-note-fg" : "text-subtle")}>
                {t.erased ? "Erased: there is no address to reply to" : note ? "Only agents see this" : <>To<span className="truncate rounded-xs border border-line px-2 py-0.5 text-fg max-pane:max-w-36">{t.customer.address || name}</span></>}
              </span>
            </div>
          )}
          <input ref={picker} type="file" multiple hidden aria-label="Files to attach" onChange={(e) => { if (e.currentTarget.files) attach(e.currentTarget.files); e.currentTarget.value = ""; area.current?.focus(); }} />
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
              onPaste={(e) => { if (!note && e.clipboardData.files.length > 0) { e.preventDefault(); attach(e.clipboardData.files); } }}
              className={cx("block max-h-[38dvh] w-full resize-none overflow-y-auto bg-transparent px-3.5 py-2 text-message outline-none", note && "placeholder:text-note-fg")}
            />
          </div>
          {!small && (
            <div className="flex flex-wrap items-center gap-2 px-2 pb-2">
              {!note && <AttachButton onClick={() => picker.current?.click()} />}
              {!note && files.map((f) => <FileChip key={`${f.name} ${f.size} ${f.lastModified}`} file={f} onRemove={() => { setFiles((now) => now.filter((x) => x !== f)); area.current?.focus(); }} />)}
              <span className={cx("ms-auto text-chip", note ? "text-note-fg" : "text-subtle")}>{saved && !empty ? "Draft saved" : ""}</span>
              <SendButton note={note} canResolve={isOpen(t)} empty={empty} onSend={() => void submit()} onResolve={() => void submit(true)} onLater={(iso) => void submit(false, revision, iso)} />
            </div>
          )}
        </div>
      </div>
    </div>
  );
}
