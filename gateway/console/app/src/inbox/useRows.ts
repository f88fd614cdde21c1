import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { listQuery } from "../api/queries";
import type { ViewName } from "../api/types";
import { announce } from "../state/announce";
import { useMe } from "../state/me";
import { applyOverlays, overlays } from "../state/overlay";
import { belongs, freeze, type Frozen } from "../state/rows";
import { useStore } from "../state/store";
import { plural } from "../text/words";

/**
 * The rows to show. While the list is in use (pointed at, or scrolled down) nothing moves: what is new above is
 * counted, and shown when the agent asks or leaves the list alone.
 */
export function useRows(view: ViewName, q: string) {
  const query = useQuery(listQuery(view, q));
  const me = useMe();
  const changes = useStore(overlays);
  const settled = useRef(true);
  const [shown, setShown] = useState<(Frozen & { of: string }) | null>(null);
  const of = `${view} ${q}`;
  const fresh = query.data;
  const placeholder = query.isPlaceholderData;

  useEffect(() => {
    if (!fresh || placeholder) return;
    setShown((s) => (s?.of === of && !settled.current ? { of, ...freeze(s.rows, fresh) } : { of, rows: fresh, hidden: 0 }));
  }, [fresh, of, placeholder]);

  const hidden = shown?.of === of ? shown.hidden : 0;
  useEffect(() => { if (hidden > 0) announce(plural(hidden, "new request")); }, [hidden]);

  const base = shown?.of === of ? shown.rows : fresh;
  const rows = useMemo(() => {
    if (!base || changes.length === 0) return base;
    const touched = new Set(changes.map((o) => o.ticket));
    const items = base.items
      .map((t) => applyOverlays(t, changes, base.position))
      .filter((t) => !touched.has(t.id) || belongs(t, view, me.id));
    return { ...base, items };
  }, [base, changes, view, me.id]);

  const showNew = (): void => { if (fresh) setShown({ of, rows: fresh, hidden: 0 }); };
  return {
    query, rows, hidden, showNew,
    settle: (s: boolean): void => {
      settled.current = s;
      if (s && hidden > 0) showNew();
    },
  };
}
