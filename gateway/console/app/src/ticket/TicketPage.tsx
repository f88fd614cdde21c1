import { useQuery } from "@tanstack/react-query";
import { FileQuestion } from "lucide-react";
import { useEffect, useMemo } from "react";
import { asProblem } from "../api/problem";
import { historyQuery, ticketQuery } from "../api/queries";
import type { HistoryItem, Ticket } from "../api/types";
import { useKeys } from "../keys/keys";
import { announce } from "../state/announce";
import { useWide } from "../state/media";
import { applyOverlays, overlays } from "../state/overlay";
import { settings } from "../state/settings";
import { useStore } from "../state/store";
import { sideSheetOpen } from "../state/ui";
import { firstName, personName } from "../text/words";
import { Button } from "../ui/button";
import { SideSheet } from "../ui/dialog";
import { EmptyState, ErrorState } from "../ui/states";
import { ActionBar, toggleSide } from "./ActionBar";
import { Composer } from "./Composer";
import { CustomerPanel } from "./CustomerPanel";
import { sends } from "./sends";
import { TicketHeader } from "./TicketHeader";
import { TicketKeys } from "./TicketKeys";
import { Timeline, TimelineSkeleton } from "./Timeline";
import { useSeen } from "./useSeen";

interface PageProps {
  reference: string;
  /** The row of the list, shown until the whole ticket is read. */
  preview?: Ticket;
  onBack: () => void;
  onMove?: (by: number) => void;
  hasPrevious?: boolean;
  hasNext?: boolean;
}

const none: readonly HistoryItem[] = [];

export function TicketPage({ reference, preview, onBack, onMove, hasPrevious = false, hasNext = false }: PageProps) {
  const query = useQuery(ticketQuery(reference));
  const changes = useStore(overlays);
  const wide = useWide();
  const { side } = useStore(settings);
  const sheet = useStore(sideSheetOpen);
  const answer = query.data;
  const detail = useMemo(() => answer && applyOverlays(answer.data, changes, answer.position), [answer, changes]);
  const ticket = detail ?? preview;
  const history = useQuery({ ...historyQuery(detail?.id ?? ""), enabled: !!detail }).data ?? none;
  const { revision, unseen, markSeen } = useSeen(answer?.data);
  const pending = useStore(sends).filter((s) => s.ticket === detail?.id);
  const newest = unseen[unseen.length - 1];
  useEffect(() => { if (newest) announce(`New message from ${firstName(personName(newest.from))}`); }, [newest?.id]); // eslint-disable-line react-hooks/exhaustive-deps
  useEffect(() => () => sideSheetOpen.set(false), []);
  useKeys([{ id: "side", title: "Show or hide the customer", group: "Request", keys: ["$mod+."], inInput: true, run: () => toggleSide(wide) }]);

  if (query.isError && !detail) {
    const problem = asProblem(query.error);
    return (
      <section aria-label="Conversation" className="min-w-0 flex-1">
        {problem.status === 404
          ? <EmptyState icon={<FileQuestion />} title="There is no such request" text={`Nothing has the number ${reference}, or you may not see it.`}><Button onClick={onBack}>Back to the list</Button></EmptyState>
          : <ErrorState what="The request could not be read" problem={problem} onRetry={() => void query.refetch()} />}
      </section>
    );
  }
  const panel = ticket && <CustomerPanel ticket={ticket} detail={detail} history={history} />;
  return (
    <>
      <section aria-label="Conversation" className="flex min-w-0 flex-1 flex-col">
        {ticket ? (
          <>
            <TicketKeys ticket={ticket} onResolved={onMove && (() => onMove(1))} />
            <ActionBar ticket={ticket} onBack={onBack} onMove={onMove} hasPrevious={hasPrevious} hasNext={hasNext} />
            <TicketHeader ticket={ticket} />
          </>
        ) : <div className="h-[46px] shrink-0 border-b border-line max-pane:h-14" />}
        {detail ? (
          <>
            <Timeline key={detail.id} ticket={detail} history={history} sending={pending} onSeen={markSeen} unseen={unseen.length} />
            <Composer key={`composer-${detail.id}`} ticket={detail} revision={revision} onRead={markSeen} />
          </>
        ) : <TimelineSkeleton />}
      </section>
      {wide && side && <aside aria-label="Customer" className="flex w-[288px] shrink-0 border-s border-line">{panel}</aside>}
      {!wide && <SideSheet open={sheet} onClose={() => sideSheetOpen.set(false)} title="Customer">{panel}</SideSheet>}
    </>
  );
}
