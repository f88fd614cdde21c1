import { useQuery } from "@tanstack/react-query";
import { Building2, Download, Plus } from "lucide-react";
import { useState } from "react";
import { client, keyed } from "../api/client";
import { Card, Waiting } from "../ops/OpsPage";
import { command } from "../state/act";
import { fullDate } from "../text/time";
import { readable } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { EmptyState } from "../ui/states";
import { toast } from "../ui/toast";
import { Heading, Office } from "./Frame";
import { again, type Processor, processorsQuery, registryQuery } from "./queries";

const list = (s: string): string[] => s.split(/[\s,]+/).filter(Boolean);

/** Service providers that may get data, and the policy in force. */
export function RegisterPage() {
  const [adding, setAdding] = useState(false);
  const processors = useQuery(processorsQuery);
  const registry = useQuery(registryQuery);
  const titles = new Map(registry.data?.categories.map((c) => [c.id, c.title]));
  const policies = registry.data?.policies ?? [];
  return (
    <Office title="Register" intro="Who may be given personal data, and for what. A send to anybody else is refused."
      actions={<Button kind="primary" onClick={() => setAdding(true)}><Plus className="size-4" aria-hidden />Add a provider</Button>}>
      {!processors.data ? <Waiting what="The register" of={[processors]} />
        : processors.data.length === 0 ? <EmptyState icon={<Building2 />} title="No providers" text="The mail relay belongs here, and everybody else who sees customers' data." />
        : <Card><ul>{processors.data.map((p) => <Row key={p.processor} processor={p} titles={titles} />)}</ul></Card>}
      <Heading>Policy</Heading>
      <Card>
        <ul>{policies.map((p) => (
          <li key={p.policy} className="flex flex-wrap items-center gap-3 border-b border-line px-4 py-2.5 last:border-0">
            <span className="font-strong">{p.policy}</span><span className="text-muted">from {fullDate(p.effective)}, {p.clauses.length} clauses</span>
            {p.in_force && <Chip tone="ok">In force</Chip>}
            <span className="min-w-0 flex-1 truncate text-end font-mono text-meta text-subtle" title={p.sha256}>{p.sha256.slice(0, 16)}</span>
          </li>
        ))}</ul>
      </Card>
      <p><a href="/api/v1/privacy/ropa" download="record-of-processing.json" className="inline-flex items-center gap-1.5 text-accent-text underline"><Download className="size-4" aria-hidden />Record of processing activities (Art. 30)</a></p>
      {adding && (
        <AskDialog title="Add a service provider"
          fields={[
            { name: "processor", label: "Short name", hint: "Lower-case letters, as it shall stand in the log." }, { name: "name", label: "Name" }, { name: "service", label: "What it does" },
            { name: "country", label: "Country", hint: "Two letters." }, { name: "agreement", label: "Agreement", hint: "Number or place of the contract." }, { name: "erasure", label: "Where to ask for erasure" },
            { name: "categories", label: "Kinds of data", value: "C-CONTACT C-COMM" }, { name: "purposes", label: "Purposes", value: "support" },
            { name: "hosts", label: "Hosts", optional: true }, { name: "safeguard", label: "Safeguard for transfers", optional: true },
          ]}
          act="Add it" onClose={() => setAdding(false)}
          onAct={async (v) => {
            await command((key) => client.POST("/privacy/processors", {
              headers: { "Idempotency-Key": key },
              body: {
                processor: v.processor!, name: v.name!, service: v.service!, country: v.country!, agreement: v.agreement!, erasure: v.erasure!,
                categories: list(v.categories!), purposes: list(v.purposes!), ...(v.hosts && { hosts: list(v.hosts) }), ...(v.safeguard && { safeguard: v.safeguard }),
              },
            }));
            toast("Added");
            again();
          }} />
      )}
    </Office>
  );
}

function Row({ processor: p, titles }: { processor: Processor; titles: ReadonlyMap<string, string> }) {
  const [ask, setAsk] = useState(false);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-3 last:border-0">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex items-center gap-2 font-strong"><span className="truncate">{p.name}</span>{p.suspended && <Chip tone="danger">Suspended</Chip>}</p>
        <p className="text-muted">{p.service}, {p.country}. Gets {(p.categories ?? []).map((c) => titles.get(c) ?? c).join(", ").toLowerCase()} for {(p.purposes ?? []).map(readable).join(", ").toLowerCase()}.</p>
      </div>
      {!p.suspended && <Button kind="ghost" onClick={() => setAsk(true)}>Suspend…</Button>}
      {ask && (
        <AskDialog danger title={`Suspend ${p.name}?`} text="From now on nothing is sent there." fields={[{ name: "reason", label: "Reason" }]} act="Suspend" onClose={() => setAsk(false)}
          onAct={async (v) => { await command((key) => client.POST("/privacy/processors/{id}/suspend", { ...keyed(p.processor, key), body: { reason: v.reason! } })); toast("Suspended"); again(); }} />
      )}
    </li>
  );
}
