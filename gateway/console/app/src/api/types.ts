// The HTTP contract of the gateway, by hand until the generated schema replaces this file.
// Times are RFC 3339 in UTC. Positions are opaque strings: compare them only with live/position.ts.

export type Role = "admin" | "agent";
export interface Me { id: string; name: string; email: string; role: Role }
export interface Session { agent: Me; brand?: string; version?: string }

export type ViewName = "open" | "unassigned" | "mine" | "resolved" | "all";
export type Counts = Record<ViewName, number>;
export type Status = "open" | "pending" | "resolved" | "closed";
export type Priority = "low" | "normal" | "high" | "urgent";
export type MessageKind = "inbound" | "reply" | "note" | "auto";
export type Delivery = "queued" | "sending" | "accepted" | "deferred" | "failed" | "unknown" | "bounced" | "cancelled" | "";
export type MessageState = "plain" | "erased" | "restricted" | "denied";

export interface Named { id: string; name: string }
export interface Address { name: string; address: string }
export interface CustomerRef extends Named { address: string }

export interface Ticket {
  id: string;
  number: number;
  subject: string;
  snippet: string;
  status: Status;
  priority: Priority;
  channel: "email" | "form";
  customer: CustomerRef;
  assignee: Named | null;
  tags: string[];
  created_at: string;
  updated_at: string;
  revision: number;
  unverified: boolean;
  last_kind: MessageKind | "";
  erased: boolean;
  /** Id of a request that this one may belong to. */
  related?: string;
}

export interface Attachment { id: string; name: string; type: string; size: number }

export interface Message {
  id: string;
  kind: MessageKind;
  from: Address;
  to: Address[];
  cc: Address[];
  at: string;
  text: string;
  /** A safe document, as the body address answers it; used only to judge whether plain text would lose something. */
  html: string;
  has_html: boolean;
  /** Byte offset in the UTF-8 of text where the folded quote starts; -1 when there is none. */
  quote_from: number;
  attachments: Attachment[];
  state: MessageState;
  unverified: boolean;
  keep_until: string | null;
  delivery: Delivery;
  delivery_detail: string;
  class: string;
  warnings: string[];
  why: string;
  agent: Named | null;
  remote_images: number;
  /** The text was cut to fit; the original has all of it. */
  cut?: boolean;
  /** The mail as it came can be downloaded. */
  raw?: boolean;
  position: string;
}

export interface TicketDetail extends Ticket { messages: Message[]; participants: Address[] }
export interface TicketPage { items: Ticket[]; next: string; total: number }
export interface HistoryItem { position: string; at: string; type: string; actor: string; text: string }
export interface Done { ticket: string; revision: number; event: string }
export interface Sent extends Done { message: string; undo_until?: string }

export type OutboundState =
  | "queued" | "sending" | "accepted" | "deferred" | "failed" | "unknown" | "bounced" | "cancelled";
export interface Outbound {
  id: string;
  kind: "reply" | "acknowledgement" | "administrative";
  to: string;
  subject: string;
  state: OutboundState;
  attempts: number;
  last_code: string;
  last_detail: string;
  ticket: string;
  ticket_number: number;
  created_at: string;
  next_attempt_at: string | null;
  message_id: string;
}
export interface OutboxPage { items: Outbound[]; next: string; counts: Partial<Record<OutboundState, number>> }

export interface Quarantined {
  id: string;
  mailbox: string;
  reason: string;
  detail: string;
  from: string;
  subject: string;
  size: number;
  received_at: string;
  state: "held" | "released" | "discarded";
}
export interface QuarantinePage { items: Quarantined[]; next: string }

export interface Customer { id: string; name: string; address: string; first_seen: string; tickets: Ticket[] }
export interface Agent { id: string; name: string; email: string; role: Role; active: boolean }

export interface Mailbox {
  id: string;
  address: string;
  state: "connecting" | "idle" | "polling" | "backoff" | "auth_failed" | "stopped";
  last_ok_at: string | null;
  last_error: string;
  messages: number;
  uid_next: number;
}
export interface ProjectionState { name: string; position: string; head: string; lag_events: number; lag_seconds: number }
export interface System {
  version: string;
  projections: ProjectionState[];
  head: string;
  store: string;
  bus: string;
  uptime_seconds: number;
  ready: boolean;
}

/** RFC 9457, with the gateway's stable code and request id. */
export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  request_id?: string;
  revision?: number;
  new?: Message[];
}

export interface Change { kind: "ticket" | "outbox" | "quarantine" | "customer"; id: string; rev: number; fields?: string[]; pos: string }
