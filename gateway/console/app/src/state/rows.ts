// A ticket list held in memory: pages joined into one array, kept fresh from its head.
import type { Ticket, TicketPage, ViewName } from "../api/types";

export interface Rows { items: Ticket[]; next: string; total: number; position: string }

/** Beyond this many rows the list stops loading; older requests are reached by searching. */
export const MAX_ROWS = 5000;

export const firstPage = (p: TicketPage, position: string): Rows => ({
  items: p.items, next: p.next, total: p.total, position,
});

/** Adds the next page; a row that moved between pages is kept once, where it was first. */
export function appendPage(rows: Rows, p: TicketPage): Rows {
  const have = new Set(rows.items.map((t) => t.id));
  return { ...rows, items: [...rows.items, ...p.items.filter((t) => !have.has(t.id))], next: p.next, total: p.total };
}

/**
 * Joins a freshly read head with what was loaded below it. Rows of the head take their new place, rows below
 * keep theirs. A loaded row that should be in the head by its time but is not has left the view.
 */
export function mergeHead(rows: Rows | undefined, p: TicketPage, position: string): Rows {
  const head = firstPage(p, position);
  if (!rows || p.next === "" || rows.items.length <= p.items.length) return head;
  const inHead = new Set(p.items.map((t) => t.id));
  const last = p.items[p.items.length - 1];
  if (!last) return head;
  const rest = rows.items.filter((t) => !inHead.has(t.id) && !before(t, last));
  return { items: [...p.items, ...rest], next: rows.next, total: p.total, position };
}

/** Sort order of the server: updated_at descending, then id ascending. */
const before = (a: Ticket, b: Ticket): boolean => {
  const [x, y] = [sortable(a.updated_at), sortable(b.updated_at)];
  return x > y || (x === y && a.id < b.id);
};

/** RFC 3339 in UTC leaves out trailing zeros of a second's fraction; without the Z the text sorts as the time does. */
const sortable = (at: string): string => at.replace(/Z$/, "");

export interface Frozen { rows: Rows; hidden: number }

/**
 * New contents for the rows already shown, in the places they have, so that nothing moves under the cursor.
 * Rows that left the view go, rows loaded below are added below, and rows that belong above are only counted:
 * the number in the "3 new" pill.
 */
export function freeze(shown: Rows, fresh: Rows): Frozen {
  const at = new Map(fresh.items.map((t, i) => [t.id, i]));
  const have = new Set(shown.items.map((t) => t.id));
  const kept = shown.items.filter((t) => at.has(t.id)).map((t) => fresh.items[at.get(t.id)!]!);
  const end = kept.reduce((m, t) => Math.max(m, at.get(t.id)!), -1);
  let hidden = 0;
  const below: Ticket[] = [];
  fresh.items.forEach((t, i) => {
    if (have.has(t.id)) return;
    if (i > end) below.push(t);
    else hidden++;
  });
  return { rows: { ...fresh, items: [...kept, ...below] }, hidden };
}

/** Whether a ticket belongs to a view; used to take a row away the moment the agent acts on it. */
export function belongs(t: Ticket, view: ViewName, me: string): boolean {
  const open = t.status === "open" || t.status === "pending";
  switch (view) {
    case "open": return open;
    case "unassigned": return open && t.assignee === null;
    case "mine": return open && t.assignee?.id === me;
    case "resolved": return !open;
    case "all": return true;
  }
}
