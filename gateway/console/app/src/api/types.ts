// Names for the shapes of the gateway's contract, which schema.d.ts holds as it was generated from openapi.json.
// Times are RFC 3339 in UTC. Positions are opaque strings: compare them only with live/position.ts.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Session = Schemas["Session"];
export type Agent = Schemas["Agent"];
export type Address = Schemas["Address"];
/** Somebody named by id: an agent, a colleague. */
export type Named = Schemas["Ref"];

export type Counts = Schemas["Counts"];
export type ViewName = Exclude<keyof Counts, "quarantine">;
export type Ticket = Schemas["Ticket"];
export type Status = Ticket["status"];
export type Priority = Ticket["priority"];
export type TicketPage = Schemas["TicketsOutputBody"];
export type TicketDetail = Schemas["TicketOutputBody"];
export type Message = Schemas["Message"];
export type Delivery = Message["delivery"];
export type HistoryItem = Schemas["HistoryLine"];
export type Done = Schemas["Done"];

export type Outbound = Schemas["Outbound"];
export type OutboundState = Outbound["state"];
export type Quarantined = Schemas["Quarantined"];
export type Customer = Schemas["Customer"];
export type Mailbox = Schemas["Mailbox"];
export type System = Schemas["System"];

/** RFC 9457, with the gateway's stable code and request id. Parts may be missing when a proxy answered instead. */
export type ProblemBody = Partial<Omit<Schemas["Problem"], "code">> & { code?: string };

/** One line of the live stream, which is not described by the schema. */
export interface Change { kind: "ticket" | "outbox" | "quarantine" | "customer" | "privacy"; id: string; rev: number; fields?: string[]; pos: string }
