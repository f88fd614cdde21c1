// The lines of a conversation: messages and events in the order of the log, which is the order they were recorded.
import type { HistoryItem, Message } from "../api/types";
import { comparePositions } from "../live/position";
import { dayName } from "../text/time";

export type Line =
  | { kind: "day"; key: string; text: string }
  | { kind: "message"; key: string; message: Message }
  | { kind: "events"; key: string; items: HistoryItem[] };

/** Events that a message on the page already tells. */
const told = /^(hub\.)?(MessageAttached|ReplyWritten|NoteAdded|DeliveryFailed|DeliveryUnknown|MessageCancelled)$/;

/** Runs of more than this many events are folded into one line. */
export const FOLD = 3;

export function timeline(messages: readonly Message[], history: readonly HistoryItem[], now: Date): Line[] {
  const spoken = new Set(messages.map((m) => m.position).filter(Boolean));
  const events = history.filter((h) => !told.test(h.type) && !spoken.has(h.position));
  const all = [
    ...messages.map((message) => ({ at: message.at, position: message.position, message, event: undefined })),
    ...events.map((event) => ({ at: event.at, position: event.position, message: undefined, event })),
  ].sort((a, b) => (a.position && b.position ? comparePositions(a.position, b.position) : Date.parse(a.at) - Date.parse(b.at)));

  const out: Line[] = [];
  let day = "";
  for (const x of all) {
    const name = dayName(x.at, now);
    if (name !== day) out.push({ kind: "day", key: `day-${name}-${x.at}`, text: name });
    day = name;
    const last = out[out.length - 1];
    if (x.message) out.push({ kind: "message", key: x.message.id, message: x.message });
    else if (last?.kind === "events") last.items.push(x.event);
    else out.push({ kind: "events", key: `event-${x.event.position}-${x.event.type}`, items: [x.event] });
  }
  return out;
}

/** Which messages start open: the newest few; notes and people's words rather than machines'. */
export function startsOpen(messages: readonly Message[]): Set<string> {
  const human = messages.filter((m) => m.kind !== "auto");
  return new Set(human.slice(-5).map((m) => m.id));
}
