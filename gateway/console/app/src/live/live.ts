// Live changes applied to what is on the screen: changes are gathered for a moment, then only what shows them is
// read again, from a view that has them.
import type { Query } from "@tanstack/react-query";
import { call, client, unauthenticated, want } from "../api/client";
import { listKey, queryClient } from "../api/queries";
import type { Answer } from "../api/client";
import type { Change, TicketDetail, ViewName } from "../api/types";
import { belongs, type Rows } from "../state/rows";
import { createStore } from "../state/store";
import { startBrowserLive } from "./browser";
import { reached } from "./position";
import type { LiveEvent, LiveState } from "./stream";

export const liveState = createStore<LiveState>("connecting");
export const livePosition = createStore("");

const GATHER = 150;
let pending: Change[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let me = "";

export function connectLive(agent: string): () => void {
  me = agent;
  const unwatch = queryClient.getQueryCache().subscribe((e) => {
    if (e.type === "updated" && e.action.type === "success") readAgain(e.query);
  });
  const stop = startBrowserLive({ onEvent, onState: (s) => liveState.set(s) });
  return () => { unwatch(); stop(); };
}

/** A first answer that was on its way while something changed is older than what the stream has told, and is read once more. */
function readAgain({ queryKey, state }: Query): void {
  const have = (state.data as { position?: string } | undefined)?.position;
  const told = livePosition.get();
  if (state.dataUpdateCount !== 1 || !LIVE.has(String(queryKey[0])) || !have || !told || reached(have, told)) return;
  setTimeout(() => void queryClient.invalidateQueries({ queryKey, exact: true }));
}

function onEvent(e: LiveEvent): void {
  if (e.type === "change") {
    livePosition.set(e.change.pos);
    pending.push(e.change);
    timer ??= setTimeout(flush, GATHER);
    return;
  }
  if (e.type === "session") {
    unauthenticated();
    return;
  }
  livePosition.set(e.pos);
  if (e.type === "reset") {
    want(e.pos);
    void queryClient.invalidateQueries();
  } else {
    void queryClient.invalidateQueries({ predicate: ({ queryKey, state }) => LIVE.has(String(queryKey[0])) && behind(state.data, e.pos) });
  }
}

const LIVE = new Set(["list", "ticket", "counts", "outbox", "quarantine", "history"]);

/** Whether an answer read before this page followed the stream may miss what happened since. */
function behind(data: unknown, pos: string): boolean {
  const have = (data as { position?: string } | undefined)?.position;
  return data !== undefined && (!have || !reached(have, pos));
}

function flush(): void {
  timer = undefined;
  const changes = pending;
  pending = [];
  const tickets = new Map(changes.filter((c) => c.kind === "ticket").map((c) => [c.id, c]));
  const kinds = new Set(changes.map((c) => c.kind));
  if (tickets.size > 0) {
    void queryClient.invalidateQueries({ queryKey: ["counts"] });
    for (const [id, c] of tickets) refreshTicket(id, c.pos);
    void refreshLists(new Set(tickets.keys()));
  }
  if (kinds.has("outbox")) {
    void queryClient.invalidateQueries({ queryKey: ["outbox"] });
    void queryClient.invalidateQueries({ queryKey: ["ticket"], type: "active" });
  }
  if (kinds.has("quarantine")) {
    void queryClient.invalidateQueries({ queryKey: ["counts"] });
    void queryClient.invalidateQueries({ queryKey: ["quarantine"] });
  }
  if (kinds.has("privacy")) void queryClient.invalidateQueries({ queryKey: ["privacy"] });
  for (const c of changes) if (c.kind === "customer") void queryClient.invalidateQueries({ queryKey: ["customer", c.id] });
}

export function refreshTicket(id: string, pos: string): void {
  void queryClient.invalidateQueries({
    queryKey: ["ticket"],
    predicate: ({ state }) => {
      const a = state.data as Answer<TicketDetail> | undefined;
      return a?.data.id === id && !(a.position && reached(a.position, pos));
    },
  });
  void queryClient.invalidateQueries({ queryKey: ["history", id] });
}

/** Reads the heads of the lists on screen again, then looks after changed rows that the head does not show. */
export async function refreshLists(changed: Set<string>): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: ["list"] });
  for (const query of queryClient.getQueryCache().findAll({ queryKey: ["list"], type: "active" })) {
    const [, view, q] = query.queryKey as ReturnType<typeof listKey>;
    const rows = query.state.data as Rows | undefined;
    const deep = rows?.items.slice(50).filter((t) => changed.has(t.id)) ?? [];
    for (const t of deep.slice(0, 5)) await refreshRow(view, q, t.id);
  }
}

async function refreshRow(view: ViewName, q: string, id: string): Promise<void> {
  try {
    const { data } = await call(client.GET("/tickets/{id}", { params: { path: { id } } }));
    queryClient.setQueryData<Rows>(listKey(view, q), (rows) => rows && {
      ...rows,
      items: belongs(data, view, me) ? rows.items.map((t) => (t.id === id ? data : t)) : rows.items.filter((t) => t.id !== id),
    });
  } catch {
    // The row stays as it was; the next change or reload brings it up to date.
  }
}
