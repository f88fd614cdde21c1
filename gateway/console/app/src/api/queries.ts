// What the console reads. Every answer keeps the position of the view it came from.
import { keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import { firstPage, mergeHead, type Rows, appendPage, MAX_ROWS } from "../state/rows";
import { type Answer, call, client } from "./client";
import { Problem } from "./problem";
import type { OutboundState, ViewName } from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: true,
      networkMode: "always",
      retry: (n, e) => n < 2 && e instanceof Problem && (e.status === 0 || e.status >= 500),
      retryDelay: (n) => 400 * 2 ** n,
    },
  },
});

const ten = 10_000;
const byId = (id: string) => ({ params: { path: { id } } });

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: () => call(client.GET("/session")).then((a) => a.data),
  staleTime: Infinity,
  gcTime: Infinity,
});

export const countsQuery = queryOptions({
  queryKey: ["counts"],
  queryFn: ({ signal }) => call(client.GET("/tickets/counts", { signal })).then((a) => a.data),
});

export const PAGE = 50;

export const listKey = (view: ViewName, q: string) => ["list", view, q] as const;

/** The head of a list, joined with the pages loaded below it. */
export const listQuery = (view: ViewName, q: string) => queryOptions({
  queryKey: listKey(view, q),
  queryFn: async ({ signal }): Promise<Rows> => {
    const a = await call(client.GET("/tickets", { signal, params: { query: { view, limit: PAGE, ...(q && { q }) } } }));
    return mergeHead(queryClient.getQueryData<Rows>(listKey(view, q)), a.data, a.position);
  },
  placeholderData: (prev, query) => (query?.queryKey[1] === view ? prev : undefined),
});

export async function loadMore(view: ViewName, q: string): Promise<void> {
  const rows = queryClient.getQueryData<Rows>(listKey(view, q));
  if (!rows?.next || rows.items.length >= MAX_ROWS) return;
  const a = await call(client.GET("/tickets", { params: { query: { view, limit: PAGE, after: rows.next, ...(q && { q }) } } }));
  queryClient.setQueryData<Rows>(listKey(view, q), (now) => {
    if (!now) return firstPage(a.data, a.position);
    return now.next === rows.next ? appendPage(now, a.data) : now;
  });
}

/** `ref` is a ticket's number or id, as it stands in the address. */
export const ticketQuery = (ref: string) => queryOptions({
  queryKey: ["ticket", ref],
  queryFn: ({ signal }) => call(client.GET("/tickets/{id}", { signal, ...byId(ref) })),
});

export const historyQuery = (id: string) => queryOptions({
  queryKey: ["history", id],
  queryFn: ({ signal }) => call(client.GET("/tickets/{id}/history", { signal, ...byId(id) })).then((a) => a.data.items),
});

export const customerQuery = (id: string) => queryOptions({
  queryKey: ["customer", id],
  queryFn: ({ signal }) => call(client.GET("/customers/{id}", { signal, ...byId(id) })).then((a) => a.data),
});

/** Everybody who works here, and who did. */
export const everybodyQuery = queryOptions({
  queryKey: ["agents"],
  queryFn: ({ signal }) => call(client.GET("/agents", { signal })).then((a) => a.data.items),
  staleTime: 5 * 60_000,
});

export const agentsQuery = queryOptions({ ...everybodyQuery, select: (all) => all.filter((x) => x.active) });

/** Reads the first pages of a list as one; what else the last page says stands beside them. */
export async function joinPages<P extends { items: unknown[]; next: string }>(pages: number, read: (after: { after?: string }) => Promise<Answer<P>>): Promise<P> {
  const items: P["items"] = [];
  for (let i = 1, after = ""; ; i++) {
    const { data } = await read(after ? { after } : {});
    items.push(...data.items);
    after = data.next;
    if (!after || i >= pages) return { ...data, items };
  }
}

export const outboxQuery = (state: OutboundState | "", pages = 1) => queryOptions({
  queryKey: ["outbox", state, pages],
  queryFn: ({ signal }) => joinPages(pages, (after) => call(client.GET("/outbox", { signal, params: { query: { limit: PAGE, ...(state && { state }), ...after } } }))),
  placeholderData: keepPreviousData,
});

export const quarantineQuery = (pages = 1) => queryOptions({
  queryKey: ["quarantine", pages],
  queryFn: ({ signal }) => joinPages(pages, (after) => call(client.GET("/quarantine", { signal, params: { query: { limit: PAGE, ...after } } }))),
  placeholderData: keepPreviousData,
});

/** Outgoing mail by state. */
export const outboxCountsQuery = queryOptions({
  queryKey: ["outbox", "counts"],
  queryFn: ({ signal }) => call(client.GET("/outbox", { signal, params: { query: { limit: 1 } } })).then((a) => a.data.counts),
});

export const mailboxesQuery = queryOptions({
  queryKey: ["mailboxes"],
  queryFn: ({ signal }) => call(client.GET("/mailboxes", { signal })).then((a) => a.data.items),
  refetchInterval: ten,
});

export const systemQuery = queryOptions({
  queryKey: ["system"],
  queryFn: ({ signal }) => call(client.GET("/system", { signal })).then((a) => a.data),
  refetchInterval: ten,
});
