import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { Waiting } from "../ops/OpsPage";
import { fullDate, shortTime, until } from "../text/time";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { cx } from "../ui/cx";
import { Segments } from "../ui/segments";
import { EmptyState } from "../ui/states";
import { When } from "../ui/when";
import { Office, shownChoices, Table } from "./Frame";
import { type PrivacyRequest, requestsQuery, type Shown } from "./queries";
import { TakeRequest } from "./TakeRequest";
import { channelWords, kindName, overdue, requestState } from "./words";

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
      <Segments label="Show" value={state} choices={shownChoices} onChoose={setState} />
      {!items ? <Waiting what="The requests" of={[query]} />
        : items.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={<ShieldCheck />} title={state === "open" ? "No request waits" : "No requests"} text="People ask in the privacy centre, by mail, or through you." /></div>
        : <Table name="Requests" fits head={[["Request"], ["State"], ["Person", wide], ["Received", wide], ["Due"]]}>{items.map((r) => <Row key={r.id} request={r} />)}</Table>}
      {asking && <TakeRequest onClose={() => setAsking(false)} />}
    </Office>
  );
}

function Row({ request: r }: { request: PrivacyRequest }) {
  const late = overdue(r);
  const due = r.extended ? r.extended_due : r.due;
  const [state, tone] = requestState(r);
  return (
    <tr className="border-b border-line last:border-0 hover:bg-hover">
      <th scope="row" className="px-4 py-2.5 text-start font-strong"><Link to="/office/requests/$id" params={{ id: r.id }} className="text-accent-text hover:underline">{kindName(r.kind)}</Link></th>
      <td className="px-4 py-2.5"><Chip tone={tone} className="max-w-64 max-pane:max-w-36">{state}</Chip></td>
      <td className={cx("px-4 py-2.5 font-mono text-chip text-muted", wide)}>{r.customer.slice(0, 8)}</td>
      <td className={cx("px-4 py-2.5 text-muted", wide)}>{fullDate(r.received_at)}, {channelWords(r.channel)}</td>
      <td className={cx("px-4 py-2.5", late === "late" ? "text-danger" : late === "soon" ? "text-warn" : "text-muted")}>{r.outcome ? "–" : late === "late" ? `Late since ${shortTime(due)}` : <When at={due} say={until} />}</td>
    </tr>
  );
}
