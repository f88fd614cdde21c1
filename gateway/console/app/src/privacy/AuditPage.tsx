import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ChevronRight, Eye, History, Send } from "lucide-react";
import { useState } from "react";
import { everybodyQuery } from "../api/queries";
import { Card, Older, Waiting } from "../ops/OpsPage";
import { useActorName } from "../state/people";
import { exactTime, shortTime } from "../text/time";
import { count, readable } from "../text/words";
import { Chip } from "../ui/chip";
import { Segments } from "../ui/segments";
import { EmptyState } from "../ui/states";
import { When } from "../ui/when";
import { Office, Table } from "./Frame";
import { Person } from "./Person";
import { accessQuery, type Family, givenQuery, type Step, trailQuery } from "./queries";
import { stepName } from "./words";

export type Audited = "done" | "opened" | "given";
const audited: readonly (readonly [Audited, string])[] = [["done", "What was done"], ["opened", "What was opened"], ["given", "What was given out"]];

/** The trail of everything about privacy: decisions and deeds, openings of sealed data, disclosures. */
export function AuditPage() {
  const { show = "done" } = useSearch({ strict: false }) as { show?: Audited };
  const navigate = useNavigate();
  return (
    <Office title="Audit" intro="Read from the log itself, where nothing can be changed. It names people by random ids and outlives their erasure.">
      <Segments label="Show" value={show} choices={audited} onChoose={(s) => void navigate({ to: "/office/audit", search: s === "done" ? {} : { show: s } })} />
      {show === "opened" ? <Opened /> : show === "given" ? <Given /> : <Done />}
    </Office>
  );
}

const families: readonly (readonly [Family | "", string])[] = [
  ["", "Everything"], ["dsr", "Requests"], ["customer", "Consents"], ["hold", "Holds"], ["demand", "Demands"], ["case", "Cases"], ["transfer", "Transfers"], ["registry", "Rules"], ["privacy", "Destruction"],
];

function Done() {
  const [family, setFamily] = useState<Family | "">("");
  const [pages, setPages] = useState(1);
  const query = useQuery(trailQuery(family, pages));
  const data = query.data;
  return (
    <>
      <Choose label="About" value={family} choices={families} onChoose={(v) => { setFamily(v); setPages(1); }} />
      {!data ? <Waiting what="The trail" of={[query]} />
        : data.items.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={<History />} title="Nothing was done yet" /></div>
        : (
          <>
            <Card className="shrink-0"><ol>{data.items.map((s) => <TrailLine key={s.n} step={s} />)}</ol></Card>
            <Older next={data.next} busy={query.isFetching} onMore={() => setPages((p) => p + 1)} />
          </>
        )}
    </>
  );
}

function Choose<T extends string>({ label, value, choices, onChoose }: { label: string; value: T; choices: readonly (readonly [T, string])[]; onChoose: (v: T) => void }) {
  return (
    <label className="flex items-center gap-2 text-muted">{label}
      <select value={value} onChange={(e) => onChoose(e.target.value as T)} className="control rounded-sm border border-line bg-panel px-2 text-fg">{choices.map(([v, name]) => <option key={v} value={v}>{name}</option>)}</select>
    </label>
  );
}

function TrailLine({ step: s }: { step: Step }) {
  const actor = useActorName();
  return (
    <li className="border-b border-line last:border-0">
      <details className="group">
        <summary className="flex cursor-default items-baseline gap-3 px-4 py-2 -outline-offset-2 hover:bg-hover max-pane:flex-wrap max-pane:gap-x-2 max-pane:py-3 [&::-webkit-details-marker]:hidden">
          <ChevronRight className="size-3.5 shrink-0 self-center text-subtle group-open:rotate-90" aria-hidden />
          <span className="min-w-0 flex-1 font-label">{stepName(s)}</span>
          <span className="shrink-0 font-mono text-chip text-subtle max-pane:hidden">{s.stream.slice(0, 17)}</span>
          <span className="w-44 shrink-0 truncate text-muted max-pane:order-last max-pane:w-full max-pane:ps-5">{actor(s.actor)}</span>
          <When at={s.at} say={shortTime} className="w-16 shrink-0 text-end text-chip text-subtle" />
        </summary>
        <div className="bg-sunken px-4 py-3">
          <p className="mb-2 text-chip text-muted">{exactTime(s.at)}, <span className="font-mono break-all">{s.stream}</span>, by <span className="font-mono break-all">{s.actor}</span></p>
          <pre tabIndex={0} role="region" aria-label="Facts" className="max-h-80 overflow-auto font-mono text-chip whitespace-pre-wrap break-all">{JSON.stringify(s.facts, null, 2)}</pre>
        </div>
      </details>
    </li>
  );
}

function Opened() {
  const [who, setWho] = useState("");
  const [pages, setPages] = useState(1);
  const query = useQuery(accessQuery(who, pages));
  const actor = useActorName();
  const everybody = useQuery(everybodyQuery).data ?? [];
  const choose = <Choose label="By" value={who} choices={[["", "Everybody and the hub"], ...everybody.map((a) => [`agent:${a.id}`, a.name] as const)]} onChoose={(v) => { setWho(v); setPages(1); }} />;
  const data = query.data;
  if (!data) return <>{choose}<Waiting what="The access log" of={[query]} /></>;
  if (data.items.length === 0) return <>{choose}<div className="flex flex-1 flex-col"><EmptyState icon={<Eye />} title="Nothing was opened" /></div></>;
  return (
    <>
      {choose}
      <Table name="Openings" head={[["Who"], ["As"], ["For"], ["Opened", "text-end"], ["Denied", "text-end"], ["When", "text-end"]]}>
        {data.items.map((l) => (
          <tr key={l.n} className="border-b border-line last:border-0">
            <th scope="row" className="px-4 py-2 text-start font-label">{actor(l.actor)}{l.second && <span className="font-normal text-muted"> with {actor(l.second)}</span>}</th>
            <td className="px-4 py-2 text-muted">{readable(l.role)}</td><td className="px-4 py-2">{readable(l.purpose)}{l.matter && <span className="font-mono text-chip text-muted"> {l.matter.slice(0, 8)}</span>}</td>
            <td className="tnum px-4 py-2 text-end">{count(l.opened)}</td><td className={`tnum px-4 py-2 text-end ${l.denied > 0 ? "text-danger" : ""}`}>{count(l.denied)}</td>
            <td className="px-4 py-2 text-end"><When at={l.at} say={shortTime} className="text-chip text-subtle" /></td>
          </tr>
        ))}
      </Table>
      <Older next={data.next} busy={query.isFetching} onMore={() => setPages((p) => p + 1)} />
    </>
  );
}

function Given() {
  const query = useQuery(givenQuery());
  if (!query.data) return <Waiting what="The disclosure log" of={[query]} />;
  if (query.data.length === 0) return <div className="flex flex-1 flex-col"><EmptyState icon={<Send />} title="Nothing was given out" text="What goes to a court, an authority or another company is listed here, and what was refused." /></div>;
  return (
    <Table name="Given out" head={[["To"], ["About"], ["For"], ["Kinds of data"], ["When", "text-end"]]}>
      {query.data.map((d, i) => (
        <tr key={i} className="border-b border-line last:border-0">
          <th scope="row" className="px-4 py-2 text-start font-label">{d.recipient} {d.refused && <Chip tone="danger">Refused</Chip>}</th>
          <td className="px-4 py-2"><Person id={d.customer} /></td><td className="px-4 py-2">{readable(d.purpose)}</td>
          <td className="px-4 py-2 text-muted">{d.refused ? readable(d.refused) : (d.categories ?? []).join(", ")}</td>
          <td className="px-4 py-2 text-end"><When at={d.at} say={shortTime} className="text-chip text-subtle" /></td>
        </tr>
      ))}
    </Table>
  );
}
