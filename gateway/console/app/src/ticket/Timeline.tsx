import { ArrowDown, Clock3, LoaderCircle, Tag, UserRound, Send, Mail, Flag } from "lucide-react";
import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { HistoryItem, Message, TicketDetail } from "../api/types";
import { useMe } from "../state/me";
import { answerOf, whyWords } from "../text/mail";
import { deliveryNames, personName, plural } from "../text/words";
import { Avatar } from "../ui/avatar";
import { Bone } from "../ui/states";
import { cx } from "../ui/cx";
import { exactTime } from "../text/time";
import { MessageCard } from "./MessageCard";
import type { Pending } from "./sends";
import { FOLD, startsOpen, timeline } from "./timeline";

interface TimelineProps {
  ticket: TicketDetail;
  history: readonly HistoryItem[];
  sending: readonly Pending[];
  onSeen: (ids: string[]) => void;
  unseen: number;
}

/** The conversation. It opens at its end and stays there while the agent does. */
export function Timeline({ ticket, history, sending, onSeen, unseen }: TimelineProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const size = useRef({ client: 0, full: 0 });
  const messages = ticket.messages;
  const lines = useMemo(() => timeline(messages, history, new Date()), [messages, history]);
  const [toggled, setToggled] = useState<Record<string, boolean>>({});
  const initial = useMemo(() => startsOpen(messages), [ticket.id]); // eslint-disable-line react-hooks/exhaustive-deps
  const known = useRef(new Set(messages.map((m) => m.id)));

  const toEnd = (smooth = false): void => scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior: smooth ? "smooth" : "instant" });
  useLayoutEffect(() => { toEnd(); }, [ticket.id]);
  useEffect(() => {
    const el = content.current;
    const box = scroller.current;
    if (!el || !box) return;
    const watch = new ResizeObserver(() => { if (atEnd.current) toEnd(); });
    watch.observe(el);
    watch.observe(box);
    return () => watch.disconnect();
  }, []);

  // A message counts as seen once the end of the conversation has been in view for a moment.
  useEffect(() => {
    let t: ReturnType<typeof setTimeout> | undefined;
    const check = (): void => {
      clearTimeout(t);
      if (atEnd.current && document.visibilityState === "visible") t = setTimeout(() => onSeen(messages.map((m) => m.id)), 700);
    };
    check();
    const el = scroller.current;
    el?.addEventListener("scroll", check);
    document.addEventListener("visibilitychange", check);
    return () => { clearTimeout(t); el?.removeEventListener("scroll", check); document.removeEventListener("visibilitychange", check); };
  }, [messages, onSeen]);

  // A scroll that comes from a change of size is not the agent leaving the end.
  function scrolled(b: HTMLElement): void {
    const resized = b.clientHeight !== size.current.client || b.scrollHeight !== size.current.full;
    size.current = { client: b.clientHeight, full: b.scrollHeight };
    if (resized && atEnd.current) toEnd();
    else atEnd.current = b.scrollHeight - b.scrollTop - b.clientHeight < 60;
  }

  const isOpen = (id: string): boolean => toggled[id] ?? (initial.has(id) || !known.current.has(id));

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={scroller}
        role="region"
        aria-label="Messages"
        tabIndex={0}
        onScroll={(e) => scrolled(e.currentTarget)}
        className="flex h-full flex-col overflow-y-auto px-5 -outline-offset-2 [overflow-anchor:none] max-pane:px-3"
      >
        <div ref={content} className="mx-auto mt-auto flex w-full max-w-[760px] flex-col gap-2.5 py-4">
          {lines.map((l) => l.kind === "day" ? <DayLine key={l.key} text={l.text} />
            : l.kind === "events" ? <Events key={l.key} items={l.items} />
            : isBare(l.message) ? <AutoLine key={l.key} message={l.message} />
            : (
              <div key={l.key} className="flex flex-col gap-2">
                {whyWords(l.message.why) && l.message.kind === "inbound" && <EventLine icon={<Mail />} text={whyWords(l.message.why)} position={l.message.position} at={l.message.at} />}
                <MessageCard ticket={ticket} message={l.message} expanded={isOpen(l.message.id)} onToggle={() => setToggled((s) => ({ ...s, [l.message.id]: !isOpen(l.message.id) }))} />
              </div>
            ))}
          {sending.map((s) => <Sending key={s.key} pending={s} />)}
        </div>
      </div>
      {unseen > 0 && (
        <button type="button" onClick={() => toEnd(true)} className="rise absolute bottom-3 left-1/2 inline-flex h-7 -translate-x-1/2 items-center gap-1.5 rounded-full bg-accent px-3 text-chip font-strong text-accent-fg shadow-menu hover:bg-accent-hover max-pane:h-11">
          <ArrowDown className="size-3.5" aria-hidden />{plural(unseen, "new message")}
        </button>
      )}
    </div>
  );
}

const DayLine = ({ text }: { text: string }) => (
  <div className="flex items-center gap-4 py-0.5 text-chip text-subtle before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">{text}</div>
);

function iconOf(type: string): ReactNode {
  if (/tag/i.test(type)) return <Tag />;
  if (/assign/i.test(type)) return <UserRound />;
  if (/priority/i.test(type)) return <Flag />;
  if (/deliver|outbound|queued|bounce/i.test(type)) return <Send />;
  if (/opened|inquiry|mail/i.test(type)) return <Mail />;
  return <Clock3 />;
}

/** An acknowledgement of the hub: what it says is a template, so one line tells all there is to know. */
const isBare = (m: Message): boolean => m.kind === "auto" && m.state === "plain" && m.text === "" && !m.has_html && m.attachments.length === 0;

function AutoLine({ message: m }: { message: Message }) {
  const to = m.to.map((p) => personName(p)).join(", ");
  const state = m.delivery ? deliveryNames[m.delivery] : "";
  const { words, codes } = answerOf(m.delivery === "accepted" ? "" : m.delivery_detail);
  const why = [words.charAt(0).toLowerCase() + words.slice(1), codes].filter(Boolean).join(", ");
  return <EventLine icon={<Send />} at={m.at} position={m.position} text={`Acknowledgement${to && ` to ${to}`}${state && `: ${state.toLowerCase()}`}${why && ` (${why})`}`} />;
}

function Events({ items }: { items: HistoryItem[] }) {
  const [open, setOpen] = useState(items.length <= FOLD);
  if (!open) {
    return (
      <button type="button" aria-expanded={false} onClick={() => setOpen(true)} className="flex min-h-6 items-center gap-2.5 self-start rounded-xs px-1.5 text-chip text-subtle hover:bg-hover hover:text-fg">
        <Clock3 className="size-4" aria-hidden />{plural(items.length, "change")}
      </button>
    );
  }
  return <div className="flex flex-col gap-2">{items.map((h) => <EventLine key={`${h.position}-${h.type}`} icon={iconOf(h.type)} text={h.text} position={h.position} at={h.at} />)}</div>;
}

const EventLine = ({ icon, text, position, at }: { icon: ReactNode; text: string; position: string; at: string }) => (
  <div className="flex items-start gap-2.5 px-1.5 text-chip text-muted" title={exactTime(at)}>
    <span aria-hidden className="text-subtle [&>svg]:size-4">{icon}</span>
    <span className="min-w-0 flex-1">{text}</span>
    <span className="font-mono text-meta text-subtle max-pane:hidden">{/^\d+$/.test(position) ? Number(position).toLocaleString("en-GB") : position}</span>
  </div>
);

/** A reply or note on its way to the server. */
function Sending({ pending: s }: { pending: Pending }) {
  const me = useMe();
  return (
    <article aria-label="Being sent" className={cx("rounded-md border px-3 py-2.5 opacity-75", s.kind === "note" ? "border-note-line bg-note" : "border-line")}>
      <div className="flex gap-3">
        <Avatar id={me.id} name={me.name} />
        <div className="min-w-0 flex-1">
          <p className="flex items-center justify-between gap-2"><span className="font-unread">{me.name}</span><span className="inline-flex items-center gap-1.5 text-chip text-subtle"><LoaderCircle className="size-3.5 animate-spin" aria-hidden />{s.kind === "note" ? "Saving" : "Sending"}</span></p>
          <p className="text-message break-words whitespace-pre-wrap">{s.text}</p>
        </div>
      </div>
    </article>
  );
}

export const TimelineSkeleton = () => (
  <div aria-hidden className="flex flex-1 flex-col justify-end gap-3 px-5 py-4 max-pane:px-3">
    {[3, 2].map((n) => (
      <div key={n} className="mx-auto flex w-full max-w-[760px] flex-col gap-2.5 rounded-md border border-line p-3">
        <Bone className="h-3 w-1/4" />
        {Array.from({ length: n }, (_, i) => <Bone key={i} className="h-3 w-5/6" />)}
        <Bone className="h-3 w-1/2" />
      </div>
    ))}
  </div>
);
