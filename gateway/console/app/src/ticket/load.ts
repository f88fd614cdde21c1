import { lazy } from "react";

/** Fetches the conversation's part of the console: when the address names a request, else once the list is there. */
export const loadTicket = () => import("./TicketPage");
export const LazyTicket = lazy(() => loadTicket().then((m) => ({ default: m.TicketPage })));
