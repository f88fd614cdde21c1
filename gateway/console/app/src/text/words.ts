// Words of the product. A ticket is called a request wherever a person reads it.
import type { Delivery, Named, OutboundState, Priority, Status, ViewName } from "../api/types";

const number = new Intl.NumberFormat("en-GB");
export const count = (n: number): string => number.format(n);
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export const viewNames: Record<ViewName, string> = {
  open: "Open", unassigned: "Unassigned", mine: "Mine", resolved: "Resolved", all: "All requests",
};
export const views = Object.keys(viewNames) as ViewName[];
export const isView = (s: string): s is ViewName => s in viewNames;

export const emptyViews: Record<ViewName, { title: string; text: string }> = {
  open: { title: "Nothing waiting", text: "The next request appears here by itself." },
  unassigned: { title: "Everything has an owner", text: "A new request appears here by itself." },
  mine: { title: "Nothing on your desk", text: "Requests assigned to you appear here. Take one from Unassigned." },
  resolved: { title: "Nothing resolved yet", text: "Requests you resolve are kept here." },
  all: { title: "No requests yet", text: "The first mail to a connected mailbox appears here by itself." },
};

export const statusNames: Record<Status, string> = { open: "Open", pending: "Pending", resolved: "Resolved", closed: "Closed" };
export const priorityNames: Record<Priority, string> = { low: "Low", normal: "Normal", high: "High", urgent: "Urgent" };
export const priorities: Priority[] = ["urgent", "high", "normal", "low"];

/**
 * What became of a mail. The hub learns only what the next mail server said: "accepted" is not delivered, let alone read,
 * so no word here says so.
 */
export const deliveryNames: Record<Exclude<Delivery, "">, string> = {
  held: "Held back until it may be sent",
  queued: "Waiting to be sent",
  sending: "Being sent",
  accepted: "Sent",
  deferred: "Delayed, will be tried again",
  failed: "Not sent",
  unknown: "Not known whether it was sent",
  bounced: "Sent, then returned",
  cancelled: "Cancelled, not sent",
};

export const outboundNames: Record<OutboundState, string> = {
  held: "Held", queued: "Waiting", sending: "Sending", accepted: "Sent", deferred: "Delayed", failed: "Not sent",
  unknown: "Unknown", bounced: "Returned", cancelled: "Cancelled",
};
export const outboundStates = Object.keys(outboundNames) as OutboundState[];
export const isOutboundState = (s: string): s is OutboundState => s in outboundNames;

/** The name to show for a person: the name, else the address, else what erasure leaves. */
export const personName = (p: { name: string; address?: string }, erased = false): string =>
  erased ? "Erased customer" : p.name || p.address || "Unknown sender";

export const firstName = (name: string): string => (name.includes("@") ? name : (name.trim().split(/\s+/)[0] ?? name));

/** At most two letters for an avatar. */
export function initials(name: string): string {
  const words = name.replace(/@.*$/, "").split(/[\s._-]+/).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...words[words.length - 1]!][0] ?? "") : "";
  return (first + last).toUpperCase();
}

export const assigneeName = (a: Named | null, me: string): string => (a === null ? "Unassigned" : a.id === me ? "You" : a.name);

export const subjectOf = (s: string): string => s.trim() || "No subject";

/** "mail_auth_failed" → "Mail auth failed": for codes the console has no sentence for. */
export function readable(code: string): string {
  const s = code.replace(/[_-]+/g, " ").trim();
  return s.charAt(0).toUpperCase() + s.slice(1);
}
