import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { client, keyed } from "../api/client";
import { Card, Waiting } from "../ops/OpsPage";
import { attempt, command, save } from "../state/act";
import { useMe } from "../state/me";
import { useAgentName } from "../state/people";
import { fullDate } from "../text/time";
import { plural } from "../text/words";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { type Deed, Deeds } from "./Deeds";
import { Facts, Heading, Office, Steps, Table } from "./Frame";
import { MatterPart } from "./MatterPart";
import { About, Person } from "./Person";
import { again, type Demand, demandQuery } from "./queries";
import { demandKinds, demandState } from "./words";

/** One demand: reviewed, approved by two persons, sealed, handed out, the person told. */
export function DemandPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const me = useMe();
  const agent = useAgentName();
  const query = useQuery(demandQuery(id));
  const d = query.data?.item;
  if (!query.data || !d) return <Office title="Demand"><Waiting what="The demand" of={[query]} /></Office>;
  const [state, tone] = demandState(d.state);
  const approvals = d.approved_by ?? [];
  const notices = d.notices ?? [];
  return (
    <Office title="Demand" intro="Only what was demanded is handed out. Other people are masked, and the package is sealed until it is fetched.">
      <Card className="flex shrink-0 flex-col gap-4 p-4">
        <Facts rows={[
          ["State", <Chip key="s" tone={tone} className="max-w-72">{state}</Chip>],
          ["From", `${d.recipient} (${(demandKinds.find(([k]) => k === d.kind)?.[1] ?? d.kind).toLowerCase()})`],
          ["About", <About key="a" scope={d.scope} />],
          ["Answer by", d.due && fullDate(d.due)], ["Secret until", d.gag && fullDate(d.gag)],
          ["Taken by", agent(d.by)], ["Approved by", approvals.map(agent).join(" and ")],
          ["Package", d.digest ? `${plural(d.segments, "piece of data", "pieces of data")}${d.withheld > 0 ? `, ${d.withheld} withheld` : ""}` : ""],
          ["Its digest", d.digest && <span key="d" className="font-mono text-chip break-all">{d.digest}</span>],
          ["Hold", d.hold && <Link key="h" to="/office/holds/$id" params={{ id: d.hold }} className="text-accent-text hover:underline">What keeps it until then</Link>],
        ]} />
        <Deeds of={d} deeds={deeds} me={me.id} />
        <div className="flex flex-wrap gap-2 empty:hidden">
          {(d.state === "sealed" || d.state === "delivered") && <Button kind={d.state === "sealed" ? "primary" : "outline"} onClick={() => fetchPackage(d.id)}><Download className="size-4" aria-hidden />{d.state === "sealed" ? "Fetch the package" : "Fetch it again"}</Button>}
        </div>
      </Card>
      {notices.length > 0 && (
        <>
          <Heading>Who is told</Heading>
          <Table name="Who is told" fits head={[["Person"], ["When"]]}>
            {notices.map((n) => <tr key={n.customer} className="border-b border-line last:border-0"><th scope="row" className="px-4 py-2 text-start font-label"><Person id={n.customer} /></th><td className="px-4 py-2 text-muted">{n.sent ? "Told" : `From ${fullDate(n.until)}`}</td></tr>)}
          </Table>
        </>
      )}
      <MatterPart list="disclosures" id={d.id} />
      <Steps steps={query.data.steps} />
    </Office>
  );
}

/** Fetching is a command, since the person is told of it; so it cannot be a plain link. */
const fetchPackage = (id: string): void =>
  attempt(command((key) => client.POST("/privacy/disclosures/{id}/deliver", { ...keyed(id, key), parseAs: "blob" })).then((a) => save(a.data, `disclosure-${id.slice(0, 8)}.zip`)), "Package fetched", again, "Not fetched");

const deeds: readonly Deed<Demand>[] = [
  {
    name: "Review", kind: "primary", text: "Does it come from who it says, by a power it has, for no more than it may?", when: (d) => d.state === "received", done: "Reviewed",
    fields: [{ name: "valid", label: "It is", kind: "choice", choices: [["yes", "Valid"], ["", "Not valid"]] }, { name: "reason", label: "Because", hint: "A word or two: the power it rests on, or what it lacks." }],
    send: (d, v, key) => client.POST("/privacy/disclosures/{id}/review", { ...keyed(d.id, key), body: { reason: v.reason!, ...(v.valid && { valid: true }) } }),
  },
  {
    name: "Approve", kind: "primary", text: "You say that exactly this may be handed out: all that the demand is about. A second person has to approve the same.", when: (d) => d.state === "valid" || d.state === "approved_once", done: "Approved",
    reason: (d, me) => ((d.approved_by ?? []).includes(me) ? "You have approved it. A second person has to." : undefined),
    send: (d, _, key) => client.POST("/privacy/disclosures/{id}/approve", {
      ...keyed(d.id, key), body: { scope: { customers: d.scope.subjects ?? [], tickets: d.scope.tickets ?? [], ...(d.scope.from && { from: d.scope.from }), ...(d.scope.until && { until: d.scope.until }) } },
    }),
  },
  { name: "Make the package", kind: "primary", text: "What was approved is gathered and sealed. Other people in it are masked.", when: (d) => d.state === "approved", done: "Package made", send: (d, _, key) => client.POST("/privacy/disclosures/{id}/seal", { ...keyed(d.id, key), body: {} }) },
];
