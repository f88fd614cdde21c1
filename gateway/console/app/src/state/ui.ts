// Which of the page's own panels are open. Not in the address: they belong to the person, not to the page.
import type { Ticket } from "../api/types";
import { createStore } from "./store";

export const paletteOpen = createStore(false);
export const keySheetOpen = createStore(false);
export const navOpen = createStore(false);
export const sideSheetOpen = createStore(false);

export type PickKind = "assign" | "priority" | "tag";
/** The small palette that asks for one value for one ticket. */
export const picking = createStore<{ kind: PickKind; ticket: Ticket } | null>(null);
