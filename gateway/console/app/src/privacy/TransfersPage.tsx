import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowRightLeft, Plus } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client";
import { Card, Waiting } from "../ops/OpsPage";
import { command } from "../state/act";
import { fullDate } from "../text/time";
import { count, plural } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { EmptyState } from "../ui/states";
import { FileRow, Office } from "./Frame";
import { again, transfersQuery } from "./queries";
import { transferState } from "./words";

/** Business transfers: announced, everybody told, handed over as a sealed whole. */
export function TransfersPage() {
  const [asking, setAsking] = useState<"announce" | "expect" | null>(null);
  const query = useQuery(transfersQuery);
  return (
    <Office title="Business transfers" intro="When the business goes to somebody else, everybody is written to once and can object or ask to be erased before their data go."
      actions={<><Button className="max-pane:hidden" onClick={() => setAsking("expect")}>Expect one…</Button><Button kind="primary" onClick={() => setAsking("announce")}><Plus className="size-4" aria-hidden />Announce one</Button></>}>
      {!query.data ? <Waiting what="The transfers" of={[query]} />
        : query.data.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={<ArrowRightLeft />} title="No transfers" text="Giving one away begins with its announcement. To take one in, make the key it is sealed to." ><Button onClick={() => setAsking("expect")}>Expect one…</Button></EmptyState></div>
        : (
          <Card className="shrink-0"><ul>{query.data.map((t) => {
            const [name, tone] = transferState(t.state);
            return (
              <FileRow key={t.id} link={<Link to="/office/transfers/$id" params={{ id: t.id }} className="text-accent-text hover:underline">{t.acquirer ? `To ${t.acquirer}` : "From another hub"}</Link>} chip={<Chip tone={tone} className="max-w-full">{name}</Chip>}>
                {t.acquirer ? `${plural(t.queued, "person", "people")} written to${t.skipped > 0 ? `, ${count(t.skipped)} could not be` : ""}.` : `Since ${fullDate(t.updated_at)}.`}{t.effective && ` From ${fullDate(t.effective)}.`}{t.events > 0 && ` ${plural(t.events, "event")}.`}
              </FileRow>
            );
          })}</ul></Card>
        )}
      {asking === "announce" && <Announce onClose={() => setAsking(null)} />}
      {asking === "expect" && <Expect onClose={() => setAsking(null)} />}
    </Office>
  );
}

function Expect({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  return (
    <AskDialog title="Expect a business" text="This hub makes the key that the other hub seals its export to. Nothing else opens it." act="Make the key" onClose={onClose}
      onAct={async () => {
        const a = await command((key) => client.POST("/privacy/transfers/expect", { headers: { "Idempotency-Key": key } }));
        again();
        void navigate({ to: "/office/transfers/$id", params: { id: a.data.id } });
      }} />
  );
}

function Announce({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  return (
    <AskDialog title="Announce a transfer" text="Everybody known gets this letter once. It cannot be called back."
      fields={[
        { name: "acquirer", label: "Who takes over", hint: "In lower-case letters, digits and dashes. It stands in the log." },
        { name: "effective", label: "It takes effect on", kind: "date" }, { name: "object_by", label: "Objections until", kind: "date" },
        { name: "subject", label: "Subject of the letter" }, { name: "text", label: "Letter", kind: "area", hint: "Who takes over, what goes to them and why, and how to object." },
      ]}
      act="Write to everybody" danger onClose={onClose}
      onAct={async (v) => {
        const a = await command((key) => client.POST("/privacy/transfers", {
          headers: { "Idempotency-Key": key }, body: { acquirer: v.acquirer!, effective: `${v.effective}T12:00:00Z`, object_by: `${v.object_by}T12:00:00Z`, subject: v.subject!, text: v.text! },
        }));
        again();
        void navigate({ to: "/office/transfers/$id", params: { id: a.data.id } });
      }} />
  );
}
