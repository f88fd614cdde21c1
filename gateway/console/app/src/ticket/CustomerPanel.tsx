import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleDot, History, PanelRight, Shield } from "lucide-react";
import { type ReactNode, useState } from "react";
import { customerQuery } from "../api/queries";
import type { HistoryItem, Ticket, TicketDetail } from "../api/types";
import { consentsQuery } from "../privacy/queries";
import { useWide } from "../state/media";
import { clockTime, exactTime, fullDate, shortTime } from "../text/time";
import { personName, subjectOf } from "../text/words";
import { Avatar } from "../ui/avatar";
import { IconButton } from "../ui/button";
import { Bone } from "../ui/states";
import { When } from "../ui/when";
import { toggleSide } from "./ActionBar";
import { isOpen } from "./TicketKeys";

interface PanelProps { ticket: Ticket; detail: TicketDetail | undefined; history: readonly HistoryItem[] }

export function CustomerPanel({ ticket: t, detail, history }: PanelProps) {
  const wide = useWide();
  const customer = useQuery({ ...customerQuery(t.customer.id), enabled: t.customer.id !== "" });
  const consents = useQuery({ ...consentsQuery(t.customer.id), enabled: t.customer.id !== "" && !t.erased, retry: false }).data;
  const agreed = (consents?.items ?? []).filter((c) => c.state === "live").map((c) => consents?.purposes.find((p) => p.code === c.purpose)?.title ?? c.purpose);
  const earlier = (customer.data?.tickets ?? []).filter((x) => x.id !== t.id);
  const keep = (detail?.messages ?? []).map((m) => m.keep_until).filter((k) => k !== null && k !== "").sort().pop();
  const others = (detail?.participants ?? []).filter((p) => p.address !== t.customer.address);
  return (
    <div className="flex min-h-0 min-w-0 flex-1 flex-col">
      <header className="flex h-[46px] shrink-0 items-center justify-between border-b border-line px-4 max-pane:h-14">
        <h2 className="text-pane font-unread">Customer</h2>
        <IconButton label="Hide the customer" onClick={() => toggleSide(wide)}><PanelRight className="size-4" /></IconButton>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={0} role="region" aria-label="About the customer">
        <section className="border-b border-line px-4 py-3">
          <div className="flex items-center gap-3">
            <Avatar id={t.customer.address} name={personName(t.customer, t.erased)} size="lg" erased={t.erased} />
            <div className="min-w-0">
              <p className="truncate text-pane font-unread">{t.customer.id ? <Link to="/customers/$id" params={{ id: t.customer.id }} className="hover:underline">{personName(t.customer, t.erased)}</Link> : personName(t.customer, t.erased)}</p>
              {!t.erased && <p className="truncate text-muted" title={t.customer.address}>{t.customer.address}</p>}
            </div>
          </div>
          <Facts rows={[
            ["Customer since", customer.data ? fullDate(customer.data.first_seen) : customer.isError ? "Not known" : <Bone className="my-1.5 h-2.5 w-20" />],
            ["Came by", t.channel === "form" ? "Web form" : "Email"],
            ...(others.length > 0 ? [["Also on it", others.map((p) => p.name || p.address).join(", ")] as [string, ReactNode]] : []),
          ]} />
        </section>
        <Section icon={<Shield />} title="Privacy">
          <Facts rows={[
            ["Keep until", keep ? fullDate(keep) : isOpen(t) ? "Set when it is resolved" : "No date set"],
            ["State", t.erased ? "Erased" : "Kept"],
            ["Agreed to", consents && (agreed.length > 0 ? agreed.join(", ") : "Nothing")],
          ]} />
        </Section>
        <Section title="Earlier requests" count={earlier.length || undefined}>
          {customer.isPending && t.customer.id !== "" ? <Bone className="mt-1 h-3 w-3/4" /> : earlier.length === 0 ? <p className="text-muted">None</p> : (
            <ul className="-mx-2">{earlier.slice(0, 8).map((x) => <Earlier key={x.id} ticket={x} />)}</ul>
          )}
        </Section>
        <HistoryList items={history} />
      </div>
    </div>
  );
}

const Earlier = ({ ticket: x }: { ticket: Ticket }) => (
  <li>
    <Link to="/t/$ticket" params={{ ticket: String(x.number) }} className="flex min-h-[26px] items-center gap-2 rounded-sm px-2 hover:bg-hover max-pane:min-h-11">
      {isOpen(x) ? <CircleDot className="size-4 shrink-0 text-accent-text" aria-label="Open" /> : <CircleCheck className="size-4 shrink-0 text-ok" aria-label="Resolved" />}
      <span className="min-w-0 flex-1 truncate">{subjectOf(x.subject)}</span>
      <When at={x.updated_at} say={shortTime} className="text-chip text-subtle" />
    </Link>
  </li>
);

/** Actors that are not people: "system:desk", "worker:01a1…". */
const machine = /^[a-z]+:/;

function HistoryList({ items }: { items: readonly HistoryItem[] }) {
  const [all, setAll] = useState(false);
  const newest = [...items].reverse();
  const shown = all ? newest : newest.slice(0, 8);
  return (
    <Section icon={<History />} title="Event history" last>
      {items.length === 0 ? <p className="text-muted">Nothing yet</p> : (
        <ol className="relative">
          {shown.map((h, i) => (
            <li key={`${h.position}-${h.type}-${i}`} className="relative ps-4 pb-2.5 before:absolute before:start-[2px] before:top-[7px] before:size-[6px] before:rounded-full before:bg-line-strong not-last:after:absolute not-last:after:start-[4.5px] not-last:after:top-[17px] not-last:after:-bottom-[3px] not-last:after:w-px not-last:after:bg-line">
              <p className="font-label break-words">{h.text}</p>
              <p className="tnum text-meta text-subtle" title={exactTime(h.at)}>
                <span className="font-mono">{/^\d+$/.test(h.position) ? Number(h.position).toLocaleString("en-GB") : h.position}</span>
                {" · "}{shortTime(h.at) === clockTime(h.at) ? clockTime(h.at) : `${shortTime(h.at)}, ${clockTime(h.at)}`}{h.actor && !machine.test(h.actor) && ` · ${h.actor}`}
              </p>
            </li>
          ))}
        </ol>
      )}
      {newest.length > 8 && <button type="button" onClick={() => setAll((a) => !a)} className="min-h-6 rounded-xs text-accent-text hover:underline">{all ? "Show the newest" : `Show all ${items.length}`}</button>}
    </Section>
  );
}

function Section({ icon, title, count, last, children }: { icon?: ReactNode; title: string; count?: number; last?: boolean; children: ReactNode }) {
  return (
    <section className={last ? "px-4 py-3" : "border-b border-line px-4 py-3"}>
      <h3 className="mb-1.5 flex items-center gap-2 text-chip font-label text-muted [&>svg]:size-4">{icon}{title}{count !== undefined && <span className="tnum text-subtle">{count}</span>}</h3>
      {children}
    </section>
  );
}

const Facts = ({ rows }: { rows: [string, ReactNode][] }) => (
  <dl className="mt-2 grid grid-cols-[104px_minmax(0,1fr)] max-pane:grid-cols-[128px_minmax(0,1fr)] gap-x-2 gap-y-1 first:mt-0">
    {rows.filter(([, v]) => v !== undefined).map(([k, v]) => <div key={k} className="contents"><dt className="text-muted">{k}</dt><dd className="min-w-0 break-words">{v}</dd></div>)}
  </dl>
);
