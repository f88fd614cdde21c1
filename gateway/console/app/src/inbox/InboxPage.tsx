import { Navigate, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Inbox, MailOpen, SearchX } from "lucide-react";
import { Suspense, useCallback, useEffect, useRef, useState } from "react";
import { asProblem } from "../api/problem";
import { loadMore } from "../api/queries";
import type { Ticket, ViewName } from "../api/types";
import { useKeys } from "../keys/keys";
import { usePhone, useSplit } from "../state/media";
import { useTitle } from "../state/title";
import { PaneHeader } from "../shell/PaneHeader";
import { TicketKeys } from "../ticket/TicketKeys";
import { LazyTicket, loadTicket } from "../ticket/load";
import { count, emptyViews, isView, viewNames } from "../text/words";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { EmptyState, ErrorState } from "../ui/states";
import { toast } from "../ui/toast";
import { type ListHandle, ListSkeleton, RequestList } from "./RequestList";
import { SearchBox } from "./SearchBox";
import { useRows } from "./useRows";

export function InboxPage() {
  const { view } = useParams({ strict: false });
  if (!view || !isView(view)) return <Navigate to="/inbox/$view" params={{ view: "unassigned" }} replace />;
  return <Inbox3 key={view} view={view} />;
}

function Inbox3({ view }: { view: ViewName }) {
  const { ticket: ref } = useParams({ strict: false });
  const { q = "" } = useSearch({ strict: false });
  const navigate = useNavigate();
  const phone = usePhone();
  const split = useSplit();
  const list = useRef<ListHandle>(null);
  const place = useRef(0);
  const [cursor, setCursor] = useState<string>();
  const { query, rows, hidden, showNew, settle } = useRows(view, q);
  const items = rows?.items ?? [];
  const open = ref === undefined ? undefined : items.find((t) => String(t.number) === ref || t.id === ref);
  const activeId = ref === undefined ? cursor : open?.id;
  const at = items.findIndex((t) => t.id === activeId);
  if (at >= 0) place.current = at;

  const name = viewNames[view];
  useTitle(ref ? `#${ref}` : rows && rows.total > 0 ? `${name} (${count(rows.total)})` : name);

  const go = useCallback((t: Ticket, replace: boolean): void => {
    void navigate({ to: "/inbox/$view/$ticket", params: { view, ticket: String(t.number) }, search: q ? { q } : {}, replace });
  }, [navigate, view, q]);

  function moveTo(i: number): void {
    const t = items[Math.max(0, Math.min(items.length - 1, i))];
    if (!t) return;
    setCursor(t.id);
    list.current?.reveal(t.id);
    if (ref !== undefined) go(t, true);
  }
  // When the active row has just left the list, the row that took its place is the next one.
  const move = (by: number): void => moveTo(at >= 0 ? at + by : activeId === undefined && ref === undefined ? 0 : by > 0 ? place.current : place.current - 1);
  const back = (): void => {
    if (ref === undefined) return;
    if (open) setCursor(open.id);
    void navigate({ to: "/inbox/$view", params: { view }, search: q ? { q } : {} });
    requestAnimationFrame(() => list.current?.focus());
  };

  useKeys([
    { id: "next", title: "Next request", group: "List", keys: ["j"], run: () => move(1) },
    { id: "previous", title: "Previous request", group: "List", keys: ["k"], run: () => move(-1) },
    { id: "open", title: "Open the request", group: "List", keys: ["o"], run: () => { const t = items[at]; if (t) go(t, false); } },
    { id: "back", title: "Back to the list", group: "Request", keys: ["u", "Escape"], run: back },
  ]);

  function onKey(e: React.KeyboardEvent): void {
    const page = list.current?.page() ?? 10;
    const steps: Record<string, () => void> = {
      ArrowDown: () => move(1), ArrowUp: () => move(-1), PageDown: () => moveTo(Math.max(0, at) + page), PageUp: () => moveTo(at - page),
      Home: () => moveTo(0), End: () => moveTo(items.length - 1), Enter: () => { const t = items[at]; if (t) go(t, false); },
    };
    const step = steps[e.key];
    if (!step || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    step();
  }

  const more = useCallback(() => {
    void loadMore(view, q).catch((e: unknown) => toast("Older requests were not loaded", { tone: "problem", detail: asProblem(e).message }));
  }, [view, q]);

  useEffect(() => { if (open) list.current?.reveal(open.id); }, [open?.id]); // eslint-disable-line react-hooks/exhaustive-deps

  useEffect(() => { if (rows) void loadTicket(); }, [!!rows]); // eslint-disable-line react-hooks/exhaustive-deps

  const showList = split || ref === undefined;
  return (
    <>
      {!showList && <h1 className="sr-only">{name}</h1>}
      {showList && (
        <section aria-label={name} className={cx("flex min-w-0 flex-col", ref !== undefined || split ? "w-[360px] shrink-0 border-e border-line" : "flex-1")}>
          <PaneHeader title={name} count={rows && rows.total >= 0 ? count(rows.total) : undefined} />
          <SearchBox view={view} q={q} onDown={() => { list.current?.focus(); if (!activeId) moveTo(0); }} />
          {query.isError && !rows ? (
            <ErrorState what="The list could not be read" problem={asProblem(query.error)} onRetry={() => void query.refetch()} />
          ) : !rows ? <ListSkeleton /> : items.length === 0 ? <EmptyList view={view} q={q} /> : (
            <RequestList ref={list} rows={rows} view={view} q={q} label={name} activeId={activeId} hidden={hidden} onShowNew={() => { showNew(); list.current?.top(); }}
              onOpen={(t) => setCursor(t.id)} onKey={onKey} onMore={more} onSettle={settle} />
          )}
        </section>
      )}
      {ref !== undefined ? (
        <Suspense fallback={<section aria-label="Conversation" className="min-w-0 flex-1" />}>
          <LazyTicket key={ref} reference={ref} preview={open} onBack={back} onMove={move} hasPrevious={at > 0} hasNext={at >= 0 && at < items.length - 1} />
        </Suspense>
      ) : (
        <>
          {items[at] && <TicketKeys ticket={items[at]} />}
          {split && !phone && <section aria-label="Conversation" className="min-w-0 flex-1"><EmptyState icon={<MailOpen />} title="Choose a request" text="J and K move through the list, Enter opens." /></section>}
        </>
      )}
    </>
  );
}

function EmptyList({ view, q }: { view: ViewName; q: string }) {
  const navigate = useNavigate();
  if (!q) return <EmptyState icon={<Inbox />} {...emptyViews[view]} />;
  return (
    <EmptyState icon={<SearchX />} title={`Nothing found for “${q}”`} text={view === "all" ? "Every word has to occur. Try fewer words." : `Searched in ${viewNames[view]}.`}>
      {view !== "all" && <Button onClick={() => void navigate({ to: "/inbox/$view", params: { view: "all" }, search: { q } })}>Search all requests</Button>}
      <Button kind="ghost" onClick={() => void navigate({ to: "/inbox/$view", params: { view }, search: {} })}>Clear the search</Button>
    </EmptyState>
  );
}
