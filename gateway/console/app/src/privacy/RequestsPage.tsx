import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Plus, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client";
import { asProblem } from "../api/problem";
import { command } from "../state/act";
import { fullDate, shortTime, until } from "../text/time";
import { readable } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { cx } from "../ui/cx";
import { EmptyState } from "../ui/states";
import { When } from "../ui/when";
import { Office, Table, Waiting } from "./Frame";
import { again, type PrivacyRequest, requestsQuery, type Shown } from "./queries";
import { kindChoices, kindName, overdue, stateName } from "./words";

const shown: readonly (readonly [Shown, string])[] = [["open", "Open"], ["closed", "Closed"], ["all", "All"]];

/** A column that only a wide screen has room for. */
const wide = "text-start max-pane:hidden";

export function RequestsPage() {
  const [state, setState] = useState<Shown>("open");
  const [asking, setAsking] = useState(false);
  const query = useQuery(requestsQuery(state));
  const items = query.data?.items;
  return (
    <Office title="Privacy requests" intro="What people ask about their data, the most urgent first. The law gives one calendar month; two more when the person is told within the first."
      actions={<Button kind="primary" onClick={() => setAsking(true)}><Plus className="size-4" aria-hidden />Take a request</Button>}>
      <div role="group" aria-label="Show" className="flex gap-1.5">
        {shown.map(([s, name]) => (
          <button key={s} type="button" aria-pressed={state === s} onClick={() => setState(s)}
            className={cx("control rounded-sm border px-2.5 font-label", state === s ? "border-accent bg-accent-soft text-accent-text" : "border-line bg-panel text-muted hover:bg-hover")}>{name}</button>
        ))}
      </div>
      {!items ? <Waiting what="The requests" problem={query.isError ? asProblem(query.error) : null} onRetry={() => void query.refetch()} />
        : items.length === 0 ? <div className="flex-1"><EmptyState icon={<ShieldCheck />} title={state === "open" ? "No request waits" : "No requests"} text="People ask in the privacy centre, by mail, or through you." /></div>
        : <Table name="Requests" fits head={[["Request"], ["Person", wide], ["State"], ["Received", wide], ["Due"]]}>{items.map((r) => <Row key={r.id} request={r} />)}</Table>}
      {asking && <TakeRequest onClose={() => setAsking(false)} />}
    </Office>
  );
}

function Row({ request: r }: { request: PrivacyRequest }) {
  const late = overdue(r);
  const due = r.extended ? r.extended_due : r.due;
  return (
    <tr className="border-b border-line last:border-0 hover:bg-hover">
      <th scope="row" className="px-4 py-2.5 text-start font-strong"><Link to="/office/requests/$id" params={{ id: r.id }} className="text-accent-text hover:underline">{kindName(r.kind)}</Link></th>
      <td className="px-4 py-2.5 font-mono text-chip text-muted max-pane:hidden">{r.customer.slice(0, 8)}</td>
      <td className="px-4 py-2.5"><Chip tone={r.outcome === "refused" ? "plain" : r.outcome ? "ok" : r.doubted || r.state === "approving" ? "warn" : r.verified ? "info" : "plain"} className="max-w-64 max-pane:max-w-36">{r.outcome ? readable(r.outcome) : r.verified || r.doubted ? stateName(r.state) : "Not verified yet"}</Chip></td>
      <td className="px-4 py-2.5 text-muted max-pane:hidden">{fullDate(r.received_at)}</td>
      <td className={cx("px-4 py-2.5", late === "late" ? "text-danger" : late === "soon" ? "text-warn" : "text-muted")}>{r.outcome ? "–" : late === "late" ? `Late since ${shortTime(due)}` : <When at={due} say={until} />}</td>
    </tr>
  );
}

function TakeRequest({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  return (
    <AskDialog title="Take a request" text="Note who asks and for what. The person is asked to prove that the address is theirs before anything is told or changed."
      fields={[
        { name: "kind", label: "They ask for", kind: "choice", choices: kindChoices },
        { name: "customer", label: "Customer", hint: "The id from the address of their page, or from one of their requests." },
        { name: "ground", label: "Ground they give", optional: true },
        { name: "text", label: "In their words", kind: "area", optional: true },
      ]}
      act="Take the request" onClose={onClose}
      onAct={async (v) => {
        const a = await command((key) => client.POST("/privacy/requests", {
          headers: { "Idempotency-Key": key },
          body: { channel: "agent", kind: v.kind as "access", customer: v.customer!, ...(v.ground && { ground: v.ground }), ...(v.text && { text: v.text }) },
        }));
        again();
        void navigate({ to: "/office/requests/$id", params: { id: a.data.id } });
      }} />
  );
}
