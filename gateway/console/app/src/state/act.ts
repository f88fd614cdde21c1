// One path for every change an agent makes to a ticket: shown at once, sent with a key that makes repeating safe,
// then confirmed by reading back, or taken back with the reason.
import { type Answer, call, client, newKey, want } from "../api/client";
import { asProblem, Problem } from "../api/problem";
import { queryClient } from "../api/queries";
import type { Done, Named, Priority, Ticket } from "../api/types";
import { refreshTicket } from "../live/live";
import { priorityNames } from "../text/words";
import { toast } from "../ui/toast";
import { changeOverlays, type Patch } from "./overlay";

type Send = (key: string) => Promise<{ data?: Done; error?: unknown; response: Response }>;
interface Act { ticket: Ticket; patch: Patch; send: Send; done: string; undo?: () => void }

/** Sends a command; a lost connection is tried twice more with the same key, which the server takes once. */
export async function command<T>(send: (key: string) => Promise<{ data?: T; error?: unknown; response: Response }>, key = newKey()): Promise<Answer<T>> {
  for (let tries = 0; ; tries++) {
    try {
      const a = await call(send(key));
      want(a.position);
      return a;
    } catch (e) {
      const p = asProblem(e);
      if ((p.status !== 0 && p.status !== 503) || tries >= 2 || !navigator.onLine) throw p;
      await new Promise((r) => setTimeout(r, 500 * 2 ** tries));
    }
  }
}

/** Says how a command went that needs no dialog. */
export const attempt = (go: Promise<unknown>, done: string, after: () => void, failed = "Not done"): void =>
  void go.then(() => { toast(done); after(); }, (e: unknown) => toast(failed, { tone: "problem", detail: asProblem(e).message }));

/** Puts the file that a command answered with into the browser's downloads. */
export function save(data: unknown, name: string): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(data as Blob);
  a.download = name;
  a.click();
  URL.revokeObjectURL(a.href);
}

/** Everything that shows this ticket is read again, no older than the command. */
export async function settled(ticket: string, position: string): Promise<void> {
  refreshTicket(ticket, position);
  await Promise.all([
    queryClient.invalidateQueries({ queryKey: ["list"] }),
    queryClient.invalidateQueries({ queryKey: ["counts"] }),
    queryClient.invalidateQueries({ queryKey: ["ticket"], type: "active" }),
  ]);
}

async function act({ ticket, patch, send, done, undo }: Act): Promise<void> {
  const key = newKey();
  changeOverlays({ do: "put", overlay: { key, ticket: ticket.id, patch } });
  try {
    const a = await command(send, key);
    changeOverlays({ do: "accept", key, position: a.position });
    toast(done, undo && { action: { label: "Undo", run: undo } });
    await settled(ticket.id, a.position);
  } catch (e) {
    const p = e instanceof Problem ? e : asProblem(e);
    toast("Not changed", { tone: "problem", detail: p.message });
    void queryClient.invalidateQueries({ queryKey: ["ticket"], type: "active" });
  } finally {
    changeOverlays({ do: "drop", key });
  }
}

const params = (t: Ticket, key: string) => ({ params: { path: { id: t.id } }, headers: { "Idempotency-Key": key } });

export function assign(t: Ticket, to: Named | null, me: string): Promise<void> {
  const before = t.assignee;
  const name = to === null ? "Assignee removed" : to.id === me ? "Assigned to you" : `Assigned to ${to.name}`;
  return act({
    ticket: t, patch: { assignee: to }, done: name,
    send: (key) => client.POST("/tickets/{id}/assign", { ...params(t, key), body: { agent: to?.id ?? "" } }),
    undo: () => void assign({ ...t, assignee: to }, before, me),
  });
}

export function resolve(t: Ticket): Promise<void> {
  return act({
    ticket: t, patch: { status: "resolved" }, done: "Resolved",
    send: (key) => client.POST("/tickets/{id}/resolve", { ...params(t, key), body: {} }),
    undo: () => void reopen(t),
  });
}

export function reopen(t: Ticket): Promise<void> {
  return act({
    ticket: t, patch: { status: "open" }, done: "Reopened",
    send: (key) => client.POST("/tickets/{id}/reopen", { ...params(t, key), body: {} }),
    undo: () => void resolve(t),
  });
}

export function setPriority(t: Ticket, priority: Priority): Promise<void> {
  const before = t.priority;
  return act({
    ticket: t, patch: { priority }, done: `Priority set to ${priorityNames[priority].toLowerCase()}`,
    send: (key) => client.POST("/tickets/{id}/priority", { ...params(t, key), body: { priority } }),
    undo: () => void setPriority({ ...t, priority }, before),
  });
}

export function setTags(t: Ticket, add: string[], remove: string[]): Promise<void> {
  return act({
    ticket: t, patch: { addTags: add, removeTags: remove },
    done: add.length > 0 ? `Tag ${add.join(", ")} added` : `Tag ${remove.join(", ")} removed`,
    send: (key) => client.POST("/tickets/{id}/tag", { ...params(t, key), body: { add, remove } }),
    undo: () => void setTags(t, remove, add),
  });
}
