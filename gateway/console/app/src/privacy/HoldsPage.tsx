import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Gavel, Plus } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client";
import { customersOf, ticketsOf } from "../api/resolve";
import { Card, Waiting } from "../ops/OpsPage";
import { command } from "../state/act";
import { fullDate } from "../text/time";
import { plural } from "../text/words";
import { AskDialog, type AskField } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { Segments } from "../ui/segments";
import { EmptyState } from "../ui/states";
import { FileRow, Office, shownChoices } from "./Frame";
import { scopeWords } from "./Person";
import { again, holdsQuery, type Shown } from "./queries";
import { groundName, holdGrounds, holdState, holdTones } from "./words";

/** Fields that say what a hold or a demand is about. */
export const matterFields: readonly AskField[] = [
  { name: "title", label: "Matter" }, { name: "authority", label: "Authority", optional: true }, { name: "reference", label: "Reference", optional: true },
  { name: "customers", label: "People", hint: "Addresses, or numbers of requests of theirs, separated by spaces.", optional: true },
  { name: "tickets", label: "Requests", hint: "Their numbers, separated by spaces.", optional: true },
];
export const matterOf = (v: Record<string, string>) => ({ title: v.title!, ...(v.authority && { authority: v.authority }), ...(v.reference && { reference: v.reference }) });
export async function scopeOf(v: Record<string, string>) {
  const [customers, tickets] = await Promise.all([customersOf(v.customers ?? ""), ticketsOf(v.tickets ?? "")]);
  return { ...(customers.length > 0 && { customers }), ...(tickets.length > 0 && { tickets }) };
}

/** Legal holds: what may not be destroyed while a matter is open. */
export function HoldsPage() {
  const [state, setState] = useState<Shown>("open");
  const [adding, setAdding] = useState(false);
  const query = useQuery(holdsQuery(state));
  return (
    <Office title="Legal holds" intro="Data under a hold outlive their date and an erasure. Both are done by themselves when the last hold on them is released."
      actions={<Button kind="primary" onClick={() => setAdding(true)}><Plus className="size-4" aria-hidden />Place a hold</Button>}>
      <Segments label="Show" value={state} choices={shownChoices} onChoose={setState} />
      {!query.data ? <Waiting what="The holds" of={[query]} />
        : query.data.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={<Gavel />} title={state === "open" ? "Nothing is held" : "No holds"} text="A hold is placed by one person and agreed to by another." /></div>
        : (
          <Card className="shrink-0"><ul>{query.data.map((h) => (
            <FileRow key={h.id} link={<Link to="/office/holds/$id" params={{ id: h.id }} className="text-accent-text hover:underline">{groundName(h.ground ?? "hold")}</Link>}
              chip={<Chip tone={h.pending ? "warn" : holdTones[h.state]} className="max-w-full">{holdState(h)}</Chip>}>
              {scopeWords(h.scope)}, {plural(h.keys, "piece of data", "pieces of data")}. <span className={h.overdue ? "text-danger" : ""}>{h.state === "placed" || h.state === "proposed" ? `Review ${h.overdue ? "was due" : "due"} ${fullDate(h.review)}.` : `${fullDate(h.updated_at)}.`}</span>
            </FileRow>
          ))}</ul></Card>
        )}
      {adding && <Place onClose={() => setAdding(false)} />}
    </Office>
  );
}

function Place({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  return (
    <AskDialog title="Place a hold" text="From now on nothing in its scope is destroyed. Somebody else has to agree to it."
      fields={[
        ...matterFields.slice(0, 3), { name: "ground", label: "Ground", kind: "choice", choices: holdGrounds }, ...matterFields.slice(3),
        { name: "query", label: "Words to search for", hint: "What is found now is held.", optional: true },
        { name: "review", label: "Look at it again on", kind: "date" },
      ]}
      act="Place the hold" onClose={onClose}
      onAct={async (v) => {
        const scope = await scopeOf(v);
        const a = await command((key) => client.POST("/privacy/holds", {
          headers: { "Idempotency-Key": key }, body: { ground: v.ground!, review: `${v.review}T12:00:00Z`, matter: matterOf(v), scope, ...(v.query && { query: v.query }) },
        }));
        again();
        void navigate({ to: "/office/holds/$id", params: { id: a.data.id } });
      }} />
  );
}
