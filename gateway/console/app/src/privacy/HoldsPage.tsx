import { useQuery } from "@tanstack/react-query";
import { Gavel, Plus } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client";
import { asProblem } from "../api/problem";
import { Card } from "../ops/OpsPage";
import { command } from "../state/act";
import { useMe } from "../state/me";
import { fullDate } from "../text/time";
import { count, plural } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { EmptyState } from "../ui/states";
import { toast } from "../ui/toast";
import { Office, Waiting } from "./Frame";
import { again, type Hold, holdsQuery, keyed } from "./queries";
import { groundName, holdGrounds } from "./words";

const pendingNames: Record<string, string> = { place: "Proposed, waits for a second person", release: "Release proposed", extend: "Longer review proposed" };

const list = (s: string): string[] => s.split(/[\s,]+/).filter(Boolean);

/** Legal holds: what may not be destroyed while a matter is open. */
export function HoldsPage() {
  const [adding, setAdding] = useState(false);
  const query = useQuery(holdsQuery("open"));
  return (
    <Office title="Legal holds" intro="Data under a hold outlive their date and an erasure. Both are done by themselves when the last hold on them is released."
      actions={<Button kind="primary" onClick={() => setAdding(true)}><Plus className="size-4" aria-hidden />Place a hold</Button>}>
      {!query.data ? <Waiting what="The holds" problem={query.isError ? asProblem(query.error) : null} onRetry={() => void query.refetch()} />
        : query.data.length === 0 ? <div className="flex-1"><EmptyState icon={<Gavel />} title="Nothing is held" text="A hold is placed by one person and agreed to by another." /></div>
        : <Card><ul>{query.data.map((h) => <Row key={h.id} hold={h} />)}</ul></Card>}
      {adding && (
        <AskDialog title="Place a hold" text="From now on nothing in its scope is destroyed. Somebody else has to agree to it."
          fields={[
            { name: "title", label: "Matter" }, { name: "authority", label: "Authority", optional: true }, { name: "reference", label: "Reference", optional: true },
            { name: "ground", label: "Ground", kind: "choice", choices: holdGrounds },
            { name: "customers", label: "Customers", hint: "Ids, separated by spaces.", optional: true }, { name: "tickets", label: "Requests", hint: "Ids, separated by spaces.", optional: true },
            { name: "review", label: "Look at it again on", kind: "date" },
          ]}
          act="Place the hold" onClose={() => setAdding(false)}
          onAct={async (v) => {
            await command((key) => client.POST("/privacy/holds", {
              headers: { "Idempotency-Key": key },
              body: {
                ground: v.ground!, review: `${v.review}T12:00:00Z`,
                matter: { title: v.title!, ...(v.authority && { authority: v.authority }), ...(v.reference && { reference: v.reference }) },
                scope: { ...(v.customers && { customers: list(v.customers) }), ...(v.tickets && { tickets: list(v.tickets) }) },
              },
            }));
            toast("Hold placed");
            again();
          }} />
      )}
    </Office>
  );
}

function Row({ hold: h }: { hold: Hold }) {
  const me = useMe();
  const proposed = h.state === "proposed";
  const waits = proposed || !!h.pending;
  const own = waits && h.proposed_by === me.id ? "You proposed it. Somebody else has to agree." : undefined;
  const act = (path: "agree" | "decline" | "release", done: string): void => void command((key) => client.POST(`/privacy/holds/{id}/${path}`, { ...keyed(h.id, key), body: {} }))
    .then(() => { toast(done); again(); }, (e: unknown) => toast("Not done", { tone: "problem", detail: asProblem(e).message }));
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-3 last:border-0">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex items-center gap-2 max-pane:flex-wrap font-strong"><span className="truncate">{groundName(h.ground ?? "hold")}</span><Chip tone={waits ? "warn" : "info"} className="max-w-64">{waits ? pendingNames[h.pending ?? "place"] ?? "Waits for a second person" : "In force"}</Chip></p>
        <p className="text-muted">{plural(h.keys, "piece of data", "pieces of data")} kept{h.missing > 0 && `, ${count(h.missing)} had gone before`}. <span className={h.overdue ? "text-danger" : ""}>Review {h.overdue ? "was due" : "due"} {fullDate(h.review)}.</span></p>
      </div>
      <div className="flex gap-1.5">
        {waits ? <><Button kind="primary" reason={own} onClick={() => act("agree", "Agreed")}>Agree</Button><Button kind="ghost" onClick={() => act("decline", "Declined")}>Decline</Button></>
          : <Button onClick={() => act("release", "Release proposed")}>Propose release</Button>}
      </div>
    </li>
  );
}
