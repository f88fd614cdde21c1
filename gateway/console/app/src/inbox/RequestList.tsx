import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowUp } from "lucide-react";
import { forwardRef, useEffect, useImperativeHandle, useMemo, useRef } from "react";
import type { Ticket, ViewName } from "../api/types";
import { usePhone } from "../state/media";
import { MAX_ROWS, type Rows } from "../state/rows";
import { settings } from "../state/settings";
import { useStore } from "../state/store";
import { groupName } from "../text/time";
import { count, plural } from "../text/words";
import { Bone } from "../ui/states";
import { RequestRow } from "./RequestRow";

type Line = { group: string } | { ticket: Ticket; index: number };

export interface ListHandle { reveal(id: string): void; focus(): void; top(): void; page(): number }
interface ListProps {
  rows: Rows;
  view: ViewName;
  q: string;
  label: string;
  activeId: string | undefined;
  hidden: number;
  onShowNew: () => void;
  onOpen: (t: Ticket) => void;
  onKey: (e: React.KeyboardEvent) => void;
  onMore: () => void;
  onSettle: (settled: boolean) => void;
}

function linesOf(items: Ticket[], grouped: boolean): Line[] {
  const now = new Date();
  const out: Line[] = [];
  let last = "";
  items.forEach((ticket, index) => {
    const group = grouped ? groupName(ticket.updated_at, now) : "";
    if (group !== last) out.push({ group });
    last = group;
    out.push({ ticket, index });
  });
  return out;
}

/** The list of requests: a grid of which only the visible rows exist. */
export const RequestList = forwardRef<ListHandle, ListProps>(function RequestList(p, ref) {
  const scroller = useRef<HTMLDivElement>(null);
  const phone = usePhone();
  const compact = useStore(settings).density === "compact" && !phone;
  const height = compact ? 36 : phone ? 93 : 77;
  const groupHeight = phone ? 32 : 26;
  const lines = useMemo(() => linesOf(p.rows.items, !compact), [p.rows.items, compact]);
  const more = p.rows.next !== "" && p.rows.items.length < MAX_ROWS;

  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (i) => ("group" in lines[i]! ? groupHeight : height),
    getItemKey: (i) => { const l = lines[i]!; return "group" in l ? `g-${l.group}` : l.ticket.id; },
    overscan: 8,
  });
  useEffect(() => virtual.measure(), [virtual, height, groupHeight, lines]);

  const shown = virtual.getVirtualItems();
  const lastShown = shown[shown.length - 1]?.index ?? 0;
  const { onMore } = p;
  useEffect(() => { if (more && lastShown >= lines.length - 15) onMore(); }, [more, lastShown, lines.length, onMore]);

  useImperativeHandle(ref, () => ({
    reveal(id) {
      const i = lines.findIndex((l) => "ticket" in l && l.ticket.id === id);
      if (i >= 0) virtual.scrollToIndex(i === 1 ? 0 : i, { align: "auto" });
    },
    focus: () => scroller.current?.focus({ preventScroll: true }),
    top: () => scroller.current?.scrollTo({ top: 0 }),
    page: () => Math.max(1, Math.floor((scroller.current?.clientHeight ?? height) / height) - 1),
  }), [lines, virtual, height]);

  return (
    <div className="relative min-h-0 flex-1">
      {p.hidden > 0 && (
        <button type="button" onClick={p.onShowNew} className="rise absolute top-2 left-1/2 z-10 inline-flex h-7 -translate-x-1/2 items-center gap-1.5 rounded-full bg-accent px-3 text-chip font-strong text-accent-fg shadow-menu hover:bg-accent-hover max-pane:h-11">
          <ArrowUp className="size-3.5" aria-hidden />{plural(p.hidden, "new request")}
        </button>
      )}
      <div
        ref={scroller}
        role="grid"
        tabIndex={0}
        aria-label={p.label}
        aria-rowcount={p.rows.total >= 0 ? p.rows.total : -1}
        aria-activedescendant={p.activeId && p.rows.items.some((t) => t.id === p.activeId) ? `request-${p.activeId}` : undefined}
        onKeyDown={p.onKey}
        onPointerEnter={() => p.onSettle(false)}
        onPointerLeave={() => p.onSettle((scroller.current?.scrollTop ?? 0) < 8)}
        onScroll={(e) => { if (e.currentTarget.scrollTop >= 8) p.onSettle(false); }}
        className="h-full overflow-y-auto overscroll-contain -outline-offset-2"
      >
        <div role="rowgroup" className="relative w-full" style={{ height: virtual.getTotalSize() }}>
          {shown.map((v) => {
            const line = lines[v.index];
            if (!line) return null;
            return (
              <div key={v.key} role="presentation" className="absolute inset-x-0 top-0" style={{ height: v.size, transform: `translateY(${v.start}px)` }}>
                {"group" in line ? (
                  <div role="row" className="flex h-full items-center border-b border-line bg-canvas px-3.5 text-chip text-subtle"><span role="gridcell">{line.group}</span></div>
                ) : (
                  <RequestRow ticket={line.ticket} index={line.index} view={p.view} q={p.q} active={line.ticket.id === p.activeId} compact={compact} onOpen={p.onOpen} />
                )}
              </div>
            );
          })}
        </div>
        {more && <div role="presentation" className="p-3.5"><Bone className="h-3 w-2/3" /></div>}
        {p.rows.items.length >= MAX_ROWS && p.rows.next !== "" && (
          <div role="presentation" className="p-4 text-center text-chip text-subtle">{count(MAX_ROWS)} shown. Search to reach older requests.</div>
        )}
      </div>
    </div>
  );
});

/** Rows of the final height while the first page is on its way. */
export const ListSkeleton = () => (
  <div aria-hidden className="flex-1 overflow-hidden">
    {Array.from({ length: 12 }, (_, i) => (
      <div key={i} className="flex h-[77px] flex-col justify-center gap-2 border-b border-line ps-7 pe-3.5 max-pane:h-[93px]">
        <Bone className="h-3 w-1/3" /><Bone className="h-3 w-3/4" /><Bone className="h-3 w-2/3" />
      </div>
    ))}
  </div>
);
