// The paths table openapi-fetch works from. It has the shape openapi-typescript generates, so the generated
// schema can take its place without touching a caller.
import type {
  Agent, Counts, Customer, Done, HistoryItem, Mailbox, OutboxPage, Priority, ProblemBody, QuarantinePage, Sent, Session,
  System, TicketDetail, TicketPage, ViewName,
} from "./types";

type Json<T> = { headers: Record<string, unknown>; content: { "application/json": T } };
type Problem = { headers: Record<string, unknown>; content: { "application/problem+json": ProblemBody } };
type Answers<T> = { 200: Json<T>; default: Problem };
type Params<P, Q> = { query?: Q; header?: never; cookie?: never } & (P extends undefined ? { path?: never } : { path: P });
type Read<T, P = undefined, Q = undefined> = { parameters: Params<P, Q>; responses: Answers<T> };
type Write<T, B, P = undefined> = {
  parameters: Params<P, undefined>;
  requestBody: { content: { "application/json": B } };
  responses: Answers<T>;
};
type ID = { id: string };
type Paging = { limit?: number; after?: string };
type Empty = Record<string, never>;

export interface paths {
  "/session": {
    get: Read<Session>;
    post: Write<Session, { email: string; password: string }>;
    delete: Read<undefined>;
  };
  "/tickets": { get: Read<TicketPage, undefined, Paging & { view?: ViewName; q?: string }> };
  "/tickets/counts": { get: Read<Counts> };
  "/tickets/{id}": { get: Read<TicketDetail, ID> };
  "/tickets/{id}/history": { get: Read<{ items: HistoryItem[] }, ID> };
  "/tickets/{id}/reply": { post: Write<Sent, { text: string; html?: string; resolve?: boolean }, ID> };
  "/tickets/{id}/note": { post: Write<Done, { text: string }, ID> };
  "/tickets/{id}/assign": { post: Write<Done, { agent: string }, ID> };
  "/tickets/{id}/resolve": { post: Write<Done, Empty, ID> };
  "/tickets/{id}/reopen": { post: Write<Done, Empty, ID> };
  "/tickets/{id}/priority": { post: Write<Done, { priority: Priority }, ID> };
  "/tickets/{id}/tag": { post: Write<Done, { add: string[]; remove: string[] }, ID> };
  "/outbox": { get: Read<OutboxPage, undefined, Paging & { state?: string }> };
  "/outbox/{id}/retry": { post: Write<unknown, Empty, ID> };
  "/outbox/{id}/cancel": { post: Write<unknown, Empty, ID> };
  "/outbox/{id}/resolve": { post: Write<unknown, { outcome: "accepted" | "failed" }, ID> };
  "/quarantine": { get: Read<QuarantinePage, undefined, Paging & { state?: "held" | "released" | "discarded" }> };
  "/quarantine/{id}/release": { post: Write<unknown, Empty, ID> };
  "/quarantine/{id}/discard": { post: Write<unknown, Empty, ID> };
  "/customers/{id}": { get: Read<Customer, ID> };
  "/agents": { get: Read<{ items: Agent[] }> };
  "/mailboxes": { get: Read<{ items: Mailbox[] }> };
  "/system": { get: Read<System> };
}
