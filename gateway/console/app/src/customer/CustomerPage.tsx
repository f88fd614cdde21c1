import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { CircleCheck, CircleDot, Inbox } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { customerQuery } from "../api/queries";
import type { Ticket } from "../api/types";
import { Card, OpsPage, Waiting } from "../ops/OpsPage";
import { Heading } from "../privacy/Frame";
import { useMe } from "../state/me";
import { fullDate, shortTime } from "../text/time";
import { personName, plural, subjectOf } from "../text/words";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { EmptyState } from "../ui/states";
import { When } from "../ui/when";
import { isOpen } from "../ticket/TicketKeys";
import { Consents } from "./Consents";
import { OfficeOf } from "./OfficeOf";

const TakeRequest = lazy(() => import("../privacy/TakeRequest").then((m) => ({ default: m.TakeRequest })));

/** One person: what they asked, what they agreed to, and, for the privacy office, what is on file about it. */
export function CustomerPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const query = useQuery(customerQuery(id));
  const officer = useMe().role !== "agent";
  const [asking, setAsking] = useState(false);
  const c = query.data;
  if (!c) return <OpsPage title="Customer"><Waiting what="The customer" of={[query]} /></OpsPage>;
  const name = personName(c, c.erased);
  return (
    <OpsPage title={name} actions={officer && !c.erased && <Button onClick={() => setAsking(true)}>Privacy request…</Button>}>
      <div className="flex items-center gap-3">
        <Avatar id={c.address} name={name} size="lg" erased={c.erased} />
        <div className="min-w-0">
          <p className="truncate text-pane font-unread">{c.erased ? "Erased. Numbers and times of the requests are kept." : c.address}</p>
          <p className="text-muted">First wrote {fullDate(c.first_seen)}, last {shortTime(c.last_seen)}. {plural(c.count, "request")}.</p>
        </div>
      </div>
      <Heading>Requests</Heading>
      {c.tickets.length === 0 ? <EmptyState icon={<Inbox />} title="No requests" /> : <Card className="shrink-0"><ul>{c.tickets.map((t) => <Row key={t.id} ticket={t} />)}</ul></Card>}
      <Consents customer={c.id} may={!c.erased} />
      {officer && <OfficeOf customer={c} />}
      {asking && <Suspense><TakeRequest customer={c.id} onClose={() => setAsking(false)} /></Suspense>}
    </OpsPage>
  );
}

const Row = ({ ticket: t }: { ticket: Ticket }) => (
  <li className="border-b border-line last:border-0">
    <Link to="/t/$ticket" params={{ ticket: String(t.number) }} className="flex min-h-9 items-center gap-2.5 px-4 py-1.5 -outline-offset-2 hover:bg-hover max-pane:min-h-11">
      {isOpen(t) ? <CircleDot className="size-4 shrink-0 text-accent-text" aria-label="Open" /> : <CircleCheck className="size-4 shrink-0 text-ok" aria-label="Resolved" />}
      <span className="min-w-0 flex-1 truncate">{subjectOf(t.subject)}</span>
      <span className="font-mono text-chip text-subtle">#{t.number}</span>
      <When at={t.updated_at} say={shortTime} className="w-14 text-end text-chip text-subtle" />
    </Link>
  </li>
);
