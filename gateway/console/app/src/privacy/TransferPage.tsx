import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Card, Waiting } from "../ops/OpsPage";
import { fullDate } from "../text/time";
import { count, plural } from "../text/words";
import { Chip } from "../ui/chip";
import { Facts, Office, Steps } from "./Frame";
import { transferQuery } from "./queries";
import { transferState } from "./words";

const digest = (d?: string) => d && <span className="font-mono text-chip break-all">{d}</span>;

/** One transfer: its announcement, how far the letters got, and what was handed over. */
export function TransferPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const query = useQuery(transferQuery(id));
  const t = query.data?.item;
  if (!query.data || !t) return <Office title="Business transfer"><Waiting what="The transfer" of={[query]} /></Office>;
  const [state, tone] = transferState(t.state);
  return (
    <Office title="Business transfer" intro="Everybody is written to exactly once. What is handed over is sealed and counted, so that who takes it in can show it is the same.">
      <Card className="shrink-0 p-4">
        <Facts rows={[
          ["State", <Chip key="s" tone={tone} className="max-w-72">{state}</Chip>],
          ["Goes to", t.acquirer], ["Letter", t.subject],
          ["Takes effect", t.effective && fullDate(t.effective)], ["Objections until", t.object_by && fullDate(t.object_by)],
          ["Written to", `${plural(t.queued, "person", "people")}${t.skipped > 0 ? `; ${count(t.skipped)} could not be: erased, or no address` : ""}`],
          ["Handed over", t.events > 0 && plural(t.events, "event")],
          ["Digest of the package", digest(t.digest)], ["Digest of the state", digest(t.state_digest)],
        ]} />
      </Card>
      <Steps steps={query.data.steps} />
    </Office>
  );
}
