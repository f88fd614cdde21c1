import { Link, useParams } from "@tanstack/react-router";
import { Activity, CircleDot, Inbox, UserRound } from "lucide-react";

const tab = "flex min-h-14 flex-1 flex-col items-center justify-center gap-0.5 text-meta font-label text-muted aria-[current=page]:text-accent-text [&>svg]:size-5";

/** The bottom of the page on a phone. A conversation takes the whole height. */
export function Tabs() {
  const { ticket } = useParams({ strict: false });
  if (ticket) return null;
  const options = { includeSearch: false };
  return (
    <nav aria-label="Tabs" className="flex shrink-0 border-t border-line bg-panel pb-[env(safe-area-inset-bottom)] pane:hidden">
      <Link to="/inbox/$view" params={{ view: "open" }} activeOptions={options} className={tab}><Inbox aria-hidden />Open</Link>
      <Link to="/inbox/$view" params={{ view: "unassigned" }} activeOptions={options} className={tab}><CircleDot aria-hidden />Unassigned</Link>
      <Link to="/inbox/$view" params={{ view: "mine" }} activeOptions={options} className={tab}><UserRound aria-hidden />Mine</Link>
      <Link to="/ops/outbox" activeOptions={options} className={tab}><Activity aria-hidden />Outbox</Link>
    </nav>
  );
}
