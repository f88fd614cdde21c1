import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { FolderLock, Plus } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client";
import { Card, Waiting } from "../ops/OpsPage";
import { command } from "../state/act";
import { fullDate } from "../text/time";
import { plural, readable } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { Segments } from "../ui/segments";
import { EmptyState } from "../ui/states";
import { FileRow, Office, shownChoices } from "./Frame";
import { matterFields, scopeOf } from "./HoldsPage";
import { again, casesQuery, type Shown } from "./queries";
import { caseKinds } from "./words";

/** Investigations and disputes: files of their own, which nobody opens alone. */
export function CasesPage() {
  const [state, setState] = useState<Shown>("open");
  const [adding, setAdding] = useState(false);
  const query = useQuery(casesQuery(state));
  return (
    <Office title="Cases" intro="Investigations of fraud, and disputes. What is found out stands in a file of its own, which opens only to those whom a second person let in, for a week at most."
      actions={<Button kind="primary" onClick={() => setAdding(true)}><Plus className="size-4" aria-hidden />Open a case</Button>}>
      <Segments label="Show" value={state} choices={shownChoices} onChoose={setState} />
      {!query.data ? <Waiting what="The cases" of={[query]} />
        : query.data.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={<FolderLock />} title={state === "open" ? "No case is open" : "No cases"} text="Open one when words about a suspicion have to be kept apart from the requests." /></div>
        : (
          <Card className="shrink-0"><ul>{query.data.map((c) => (
            <FileRow key={c.id} link={<Link to="/office/cases/$id" params={{ id: c.id }} className="text-accent-text hover:underline">{caseKinds.find(([k]) => k === c.kind)?.[1] ?? readable(c.kind)}</Link>}
              title={<span className="font-mono text-chip text-subtle">{c.id.slice(0, 8)}</span>}
              chip={<>{c.state === "open" ? <Chip tone="info">Open</Chip> : <Chip>{readable(c.outcome ?? "closed")}</Chip>}{c.state === "open" && (c.asked ?? []).length > 0 && <Chip tone="warn" className="max-w-full">Somebody asks to be let in</Chip>}</>}>
              {plural(c.notes, "entry", "entries")}, read {plural(c.read, "time")}. {c.state === "open" ? `Ends ${fullDate(c.until)} unless it is extended.` : `Closed ${fullDate(c.updated_at)}.`}
            </FileRow>
          ))}</ul></Card>
        )}
      {adding && <Open onClose={() => setAdding(false)} />}
    </Office>
  );
}

function Open({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  return (
    <AskDialog title="Open a case" text="It ends by itself after a month unless a second person extends it. What you write here is sealed in its file."
      fields={[
        { name: "kind", label: "It is about", kind: "choice", choices: caseKinds }, { name: "title", label: "Title" }, { name: "text", label: "What is known", kind: "area", optional: true },
        ...matterFields.slice(3),
      ]}
      act="Open the case" onClose={onClose}
      onAct={async (v) => {
        const scope = await scopeOf(v);
        const a = await command((key) => client.POST("/privacy/cases", { headers: { "Idempotency-Key": key }, body: { kind: v.kind as "fraud", title: v.title!, scope, ...(v.text && { text: v.text }) } }));
        again();
        void navigate({ to: "/office/cases/$id", params: { id: a.data.id } });
      }} />
  );
}
