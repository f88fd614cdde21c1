import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Plus, Scale } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client";
import { Card, Waiting } from "../ops/OpsPage";
import { command } from "../state/act";
import { fullDate } from "../text/time";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { Segments } from "../ui/segments";
import { EmptyState } from "../ui/states";
import { FileRow, Office, shownChoices } from "./Frame";
import { matterFields, matterOf, scopeOf } from "./HoldsPage";
import { scopeWords } from "./Person";
import { again, demandsQuery, type Shown } from "./queries";
import { demandKinds, demandState } from "./words";

/** Demands of courts and authorities for data. */
export function DemandsPage() {
  const [state, setState] = useState<Shown>("open");
  const [adding, setAdding] = useState(false);
  const query = useQuery(demandsQuery(state));
  return (
    <Office title="Demands" intro="What courts, authorities and parties to a claim demand. Nothing is handed out before somebody found the demand valid and two persons approved the same data."
      actions={<Button kind="primary" onClick={() => setAdding(true)}><Plus className="size-4" aria-hidden />Take a demand</Button>}>
      <Segments label="Show" value={state} choices={shownChoices} onChoose={setState} />
      {!query.data ? <Waiting what="The demands" of={[query]} />
        : query.data.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={<Scale />} title={state === "open" ? "No demand waits" : "No demands"} text="Take one the day it comes: what it is about is held from then on." /></div>
        : (
          <Card className="shrink-0"><ul>{query.data.map((d) => {
            const [name, tone] = demandState(d.state);
            return (
              <FileRow key={d.id} link={<Link to="/office/demands/$id" params={{ id: d.id }} className="text-accent-text hover:underline">{d.recipient}</Link>} chip={<Chip tone={tone} className="max-w-full">{name}</Chip>}>
                {demandKinds.find(([k]) => k === d.kind)?.[1] ?? d.kind}, {scopeWords(d.scope)}.{d.due && ` Due ${fullDate(d.due)}.`}
              </FileRow>
            );
          })}</ul></Card>
        )}
      {adding && <Take onClose={() => setAdding(false)} />}
    </Office>
  );
}

function Take({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  return (
    <AskDialog title="Take a demand" text="A hold on what it is about is proposed at once."
      fields={[
        { name: "kind", label: "It comes from", kind: "choice", choices: demandKinds },
        { name: "recipient", label: "Who demands it", hint: "In lower-case letters, digits and dashes, such as court-hamburg. It stands in the log." },
        ...matterFields,
        { name: "due", label: "To be answered by", kind: "date", optional: true },
        { name: "gag", label: "Nobody may be told until", kind: "date", hint: "When the demand forbids telling the person.", optional: true },
      ]}
      act="Take the demand" onClose={onClose}
      onAct={async (v) => {
        const scope = await scopeOf(v);
        const a = await command((key) => client.POST("/privacy/disclosures", {
          headers: { "Idempotency-Key": key },
          body: { kind: v.kind as "court", recipient: v.recipient!, matter: matterOf(v), scope, ...(v.due && { due: `${v.due}T12:00:00Z` }), ...(v.gag && { gag: `${v.gag}T12:00:00Z` }) },
        }));
        again();
        void navigate({ to: "/office/demands/$id", params: { id: a.data.id } });
      }} />
  );
}
