// Optimistic changes, laid over what the server last said. An overlay is put on when a command is given and
// stops applying to any data that is at least as new as the command's own position.
import type { Named, Priority, Status, Ticket } from "../api/types";
import { reached } from "../live/position";
import { createStore } from "./store";

export interface Patch {
  status?: Status;
  assignee?: Named | null;
  priority?: Priority;
  addTags?: string[];
  removeTags?: string[];
}
export interface Overlay { key: string; ticket: string; patch: Patch; position?: string }

export type OverlayAction =
  | { do: "put"; overlay: Overlay }
  | { do: "accept"; key: string; position: string }
  | { do: "drop"; key: string };

export function reduceOverlays(state: readonly Overlay[], action: OverlayAction): readonly Overlay[] {
  switch (action.do) {
    case "put":
      return [...state.filter((o) => o.key !== action.overlay.key), action.overlay];
    case "accept":
      return state.map((o) => (o.key === action.key ? { ...o, position: action.position } : o));
    case "drop":
      return state.some((o) => o.key === action.key) ? state.filter((o) => o.key !== action.key) : state;
  }
}

function patchTicket<T extends Ticket>(t: T, p: Patch): T {
  const next: T = { ...t };
  if (p.status !== undefined) next.status = p.status;
  if (p.assignee !== undefined) next.assignee = p.assignee;
  if (p.priority !== undefined) next.priority = p.priority;
  if (p.addTags?.length || p.removeTags?.length) {
    const kept = t.tags.filter((tag) => !p.removeTags?.includes(tag));
    next.tags = [...new Set([...kept, ...(p.addTags ?? [])])];
  }
  return next;
}

/** The ticket as the agent should see it. `position` is that of the view the ticket was read from. */
export function applyOverlays<T extends Ticket>(t: T, overlays: readonly Overlay[], position: string): T {
  let out = t;
  for (const o of overlays) {
    if (o.ticket !== t.id) continue;
    if (o.position && reached(position, o.position)) continue;
    out = patchTicket(out, o.patch);
  }
  return out;
}

export const overlays = createStore<readonly Overlay[]>([]);
export const changeOverlays = (a: OverlayAction): void => overlays.set((s) => reduceOverlays(s, a));
