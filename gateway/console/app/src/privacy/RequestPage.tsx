import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { type ReactNode, useState } from "react";
import { client } from "../api/client";
import { asProblem } from "../api/problem";
import { Card } from "../ops/OpsPage";
import { ConfirmDialog } from "../ops/ConfirmDialog";
import { command } from "../state/act";
import { exactTime, fullDate, shortTime } from "../text/time";
import { count, plural, readable } from "../text/words";
import { AskDialog, type AskField } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { toast } from "../ui/toast";
import { When } from "../ui/when";
import { Facts, Heading, Office, Table, Waiting } from "./Frame";
import { again, type Erasure, erasureQuery, keyed, type PrivacyRequest, registryQuery, requestQuery, type Step } from "./queries";
import { actorName, channelWords, extensionGrounds, kindName, phaseNames, phaseTones, refusalGrounds, restrictionGrounds, stepName } from "./words";

/** One request: what is asked, what will go, what was done, and what can be done next. */
export function RequestPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const query = useQuery(requestQuery(id));
  const r = query.data?.item;
  const erasure = useQuery({ ...erasureQuery(id), enabled: r?.kind === "erasure" }).data;
  return (
    <Office title={r ? `${kindName(r.kind)} request` : "Request"} intro="Each step is written to the log with who did it. What concerns other people is never part of it.">
      {!query.data || !r ? <Waiting what="The request" problem={query.isError ? asProblem(query.error) : null} onRetry={() => void query.refetch()} /> : (
        <>
          <Card className="flex flex-col gap-4 p-4">
            <Facts rows={[
              ["Person", <span key="p" className="font-mono text-chip">{r.customer}</span>],
              ["Received", `${fullDate(r.received_at)}, ${channelWords(r.channel)}`],
              ["Due", `${fullDate(r.extended ? r.extended_due : r.due)}${r.extended ? ", extended" : ""}`],
              ["Who asks", r.verified ? "Proved" : r.doubted ? "In doubt: more proof was asked for" : "Not proved yet"],
              ["Law", r.law.toUpperCase()], ["Ground", r.ground], ["Outcome", r.outcome && readable(r.outcome)],
              ["About", r.ticket && <Link key="t" to="/t/$ticket" params={{ ticket: r.ticket }} className="text-accent-text underline">a request of theirs</Link>],
            ]} />
            <Actions request={r} />
          </Card>
          {erasure && <ErasurePart request={r} erasure={erasure} />}
          <Heading>What happened</Heading>
          <Steps steps={query.data.steps} />
        </>
      )}
    </Office>
  );
}

function Steps({ steps }: { steps: readonly Step[] }) {
  return (
    <Card>
      <ol>
        {steps.map((s, i) => (
          <li key={i} className="flex items-baseline gap-3 border-b border-line px-4 py-2 last:border-0">
            <span className="min-w-0 flex-1 truncate font-label">{stepName(s)}</span>
            <span className="truncate text-muted max-pane:hidden">{actorName(s.actor)}</span>
            <When at={s.at} say={shortTime} className="text-chip text-subtle" />
          </li>
        ))}
      </ol>
    </Card>
  );
}

interface Deed { name: string; path: "verify" | "extend" | "refuse" | "export" | "rectify" | "restrict" | "lift" | "object" | "decide" | "withdraw"; text: string; fields: AskField[]; danger?: boolean; main?: boolean; when: (r: PrivacyRequest) => boolean }

const pieces = (n: number): string => plural(n, "piece of data", "pieces of data");
const open = (r: PrivacyRequest): boolean => !r.outcome;
const deeds: Deed[] = [
  { name: "Confirm who asks", path: "verify", main: true, text: "Only when you are sure: in person, or by a call to a number on file. Otherwise the link in their mailbox decides.", fields: [{ name: "method", label: "How it was proved", kind: "choice", choices: [["desk", "In person or by phone"], ["reply", "By a reply from the address on file"]] }], when: (r) => open(r) && !r.verified },
  { name: "Make the export", path: "export", main: true, text: "A sealed package: their data as JSON, their mail as mbox, the files, who received what and how long it is kept. Other people are masked. The link works once.", fields: [], when: (r) => open(r) && r.verified && (r.kind === "access" || r.kind === "portability") },
  { name: "Correct", path: "rectify", main: true, text: "The new contact is sealed under a new key, the old key is destroyed.", fields: [{ name: "name", label: "Name", optional: true }, { name: "address", label: "Address", optional: true }], when: (r) => open(r) && r.verified && r.kind === "rectification" },
  { name: "Restrict", path: "restrict", main: true, text: "Agents no longer see this person's words, and nothing is sent, until it is lifted.", fields: [{ name: "ground", label: "Because", kind: "choice", choices: restrictionGrounds }], when: (r) => open(r) && r.verified && (r.kind === "restriction" || r.kind === "objection") },
  { name: "Record the objection", path: "object", text: "An objection to marketing ends it at once. Against anything else, the use rests until you decide.", fields: [{ name: "ground", label: "Against", kind: "choice", choices: [["marketing", "Marketing"], ["d", "Another use of their data"]] }], when: (r) => open(r) && r.verified && r.kind === "objection" },
  { name: "Decide the objection", path: "decide", main: true, text: "Upheld, the use stays at rest. Rejected, the person is told why, and then the use goes on.", fields: [{ name: "upheld", label: "Decision", kind: "choice", choices: [["yes", "Upheld"], ["", "Rejected"]] }, { name: "ground", label: "Ground of a rejection", kind: "choice", choices: refusalGrounds, optional: true }], when: (r) => open(r) && r.verified && r.kind === "objection" },
  { name: "Lift the restriction", path: "lift", text: "The person is told before it is lifted.", fields: [], when: (r) => r.kind === "restriction" && r.verified },
  { name: "Extend", path: "extend", text: "Two more months, when the request is complex. The person is told why.", fields: [{ name: "ground", label: "Because", kind: "choice", choices: extensionGrounds }], when: (r) => open(r) && !r.extended },
  { name: "Refuse", path: "refuse", text: "The person is told the ground and where to complain.", danger: true, fields: [{ name: "ground", label: "Ground", kind: "choice", choices: refusalGrounds }, { name: "article", label: "Article", hint: "The one that allows it, such as 12(5)(b) or 17(3)(e)." }], when: open },
  { name: "Withdraw", path: "withdraw", text: "Because the person took it back.", fields: [], when: open },
];

function Actions({ request: r }: { request: PrivacyRequest }) {
  const [deed, setDeed] = useState<Deed | null>(null);
  const possible = deeds.filter((d) => d.when(r));
  if (possible.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-2">
      {possible.map((d) => <Button key={d.path} kind={d.danger ? "danger" : d.main ? "primary" : "outline"} onClick={() => setDeed(d)}>{d.name}…</Button>)}
      {deed && (
        <AskDialog title={deed.name} text={deed.text} fields={deed.fields} act={deed.name} danger={deed.danger} onClose={() => setDeed(null)}
          onAct={async (v) => {
            const { upheld, ...words } = v;
            const body = { ...Object.fromEntries(Object.entries(words).filter(([, x]) => x)), ...(upheld && { upheld: true }) };
            await command((key) => client.POST(`/privacy/requests/{id}/${deed.path}`, { ...keyed(r.id, key), body }));
            toast("Noted");
            again();
          }} />
      )}
    </div>
  );
}

function ErasurePart({ request: r, erasure: e }: { request: PrivacyRequest; erasure: Erasure }) {
  const [ask, setAsk] = useState(false);
  const scope = e.scope;
  const titles = new Map(useQuery(registryQuery).data?.categories.map((c) => [c.id, c.title]));
  const sum = (pick: "live" | "held" | "exempt"): number => (scope?.counts ?? []).reduce((n, c) => n + c[pick], 0);
  const act = (path: "approve" | "recheck", digest?: string) => command((key) => client.POST(`/privacy/requests/{id}/erasure/${path}`, { ...keyed(r.id, key), body: { ...(digest && { digest }) } }));
  const tell = (go: Promise<unknown>): void => void go.then(() => { toast("Noted"); again(); }, (x: unknown) => toast("Not done", { tone: "problem", detail: asProblem(x).message }));
  return (
    <>
      <Heading>Erasure</Heading>
      <Card className="flex flex-col gap-4 p-4">
        <div className="flex flex-wrap items-center gap-3">
          <Chip tone={phaseTones[e.phase]} className="max-w-72">{phaseNames[e.phase]}</Chip>
          {scope && <span className="text-muted">{pieces(sum("live"))} in {plural(scope.streams, "record")} will go{sum("held") > 0 && `, ${count(sum("held"))} are held back by a hold`}.</span>}
        </div>
        <div className="flex flex-wrap gap-2">
          {e.phase === "approving" && scope && <Button kind="danger" onClick={() => setAsk(true)}>Approve the erasure…</Button>}
          {(e.phase === "deferred" || e.phase === "verification_failed") && <Button onClick={() => tell(act("recheck"))}>Check again</Button>}
          {e.certified && <a href={`/api/v1/privacy/requests/${r.id}/certificate`} download className="control inline-flex items-center gap-1.5 rounded-sm border border-line bg-panel px-2.5 font-label shadow-low hover:bg-hover"><Download className="size-4" aria-hidden />Certificate</a>}
        </div>
        {e.destroyed && <p className="text-muted">{plural(e.destroyed.keys, "key")} destroyed {exactTime(e.destroyed.at)}.</p>}
      </Card>
      {scope && scope.counts.length > 0 && (
        <Table name="What will go" head={[["Kind of data"], ["Class"], ["Goes", "text-end"], ["Held", "text-end"], ["Exempt", "text-end"]]}>
          {scope.counts.map((c) => (
            <tr key={c.category + c.class} className="border-b border-line last:border-0">
              <th scope="row" className="px-4 py-2 text-start font-label">{titles.get(c.category) ?? c.category}{titles.has(c.category) && <span className="ms-2 font-mono text-chip font-normal text-subtle">{c.category}</span>}</th><td className="px-4 py-2 font-mono text-chip text-muted">{c.class}</td>
              {[c.live, c.held, c.exempt].map((n, i) => <td key={i} className="tnum px-4 py-2 text-end">{count(n)}</td>)}
            </tr>
          ))}
        </Table>
      )}
      {e.verification && <Found erasure={e} />}
      {ask && scope && (
        <ConfirmDialog danger title="Approve the erasure?" act="Erase" onClose={() => setAsk(false)}
          text={`The keys of ${pieces(sum("live"))} are destroyed. There is no way back. Numbers, times and statistics of the requests stay.`}
          onAct={async () => { await act("approve", scope.digest); again(); }} />
      )}
    </>
  );
}

function Found({ erasure: e }: { erasure: Erasure }) {
  const v = e.verification!;
  const level = (l: (typeof v.stores)[number]): ReactNode => (l.pending ? `${l.level}, then ${l.pending}${l.by ? ` by ${fullDate(l.by)}` : ""}` : l.level);
  return (
    <>
      <p className="text-muted">{plural(v.needles, "name, address or phrase", "names, addresses and phrases")} looked for in {plural(v.files, "file")}: {v.hits === 0 ? "none found" : <strong className="text-danger">{plural(v.hits, "hit")}</strong>}. Somebody who was not erased was {v.control === "found" ? "found, so the scan sees" : "not found, so the scan proves nothing"}.</p>
      <Table name="Where it rested" head={[["Store"], ["Level reached"]]}>
        {v.stores.map((s) => <tr key={s.store} className="border-b border-line last:border-0"><th scope="row" className="px-4 py-2 text-start font-mono text-chip">{s.store}</th><td className="px-4 py-2">{level(s)}</td></tr>)}
      </Table>
    </>
  );
}
