import { useCallback, useState } from "react";
import type { TicketDetail } from "../api/types";

/**
 * What the agent has seen of a ticket. `revision` is the newest one of which nothing from outside is unseen: the
 * server compares it with its own before it sends a reply.
 */
export function useSeen(t: TicketDetail | undefined) {
  const [seen, setSeen] = useState<{ ids: ReadonlySet<string>; revision: number }>({ ids: new Set(), revision: 0 });
  const unseen = t && seen.revision > 0 ? t.messages.filter((m) => m.kind === "inbound" && !seen.ids.has(m.id)) : [];
  if (t && seen.revision === 0) setSeen({ ids: new Set(t.messages.map((m) => m.id)), revision: t.revision });
  else if (t && unseen.length === 0 && t.revision > seen.revision) setSeen((s) => ({ ...s, revision: t.revision }));

  const markSeen = useCallback((ids: string[]) => {
    setSeen((s) => (ids.every((id) => s.ids.has(id)) ? s : { ...s, ids: new Set([...s.ids, ...ids]) }));
  }, []);
  return { revision: seen.revision, unseen, markSeen };
}
