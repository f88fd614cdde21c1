import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../api/client";
import { asProblem } from "../api/problem";
import { ConfirmDialog } from "../ops/ConfirmDialog";
import { Card } from "../ops/OpsPage";
import { command } from "../state/act";
import { useMe } from "../state/me";
import { fullDate } from "../text/time";
import { count, plural } from "../text/words";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { toast } from "../ui/toast";
import { Heading, Office, Table, Waiting } from "./Frame";
import { again, dueQuery, keyed, type Rule, scheduleQuery, type Sweep, sweepsQuery } from "./queries";
import { sweepNames, sweepTones } from "./words";

/** How long what is kept, what is due now, and what was swept. */
export function RetentionPage() {
  const schedule = useQuery(scheduleQuery);
  const due = useQuery(dueQuery);
  const sweeps = useQuery(sweepsQuery);
  const failed = [schedule, due, sweeps].find((q) => q.isError);
  const s = schedule.data;
  return (
    <Office title="Retention" intro="Each piece of personal data has a date on which its key is destroyed. A legal hold comes before it; nothing is destroyed that nobody approved.">
      {!s || !due.data || !sweeps.data ? <Waiting what="The schedule" problem={failed ? asProblem(failed.error) : null} onRetry={() => void [schedule, due, sweeps].map((q) => q.refetch())} /> : (
        <>
          <DueNow due={due.data.due} suspended={due.data.clock.suspended} sweeps={sweeps.data.items} />
          <Heading>Schedule, version {s.version}</Heading>
          <Table name="Schedule" head={[["Class"], ["Kept"], ["Clause"], ["Keys", "text-end"]]}>{s.rules.map((r) => <RuleRow key={r.class} rule={r} />)}</Table>
          <Heading>Sweeps</Heading>
          {sweeps.data.items.length === 0 ? <p className="text-muted">None yet. One runs every night.</p> : (
            <Table name="Sweeps" head={[["When"], ["State"], ["Keys", "text-end"], ["Destroyed", "text-end"], ["Held back", "text-end"]]}>
              {sweeps.data.items.map((x) => (
                <tr key={x.id} className="border-b border-line last:border-0">
                  <th scope="row" className="px-4 py-2 text-start font-label">{fullDate(x.swept_at ?? x.previewed)}</th>
                  <td className="px-4 py-2"><Chip tone={sweepTones[x.state]}>{sweepNames[x.state]}</Chip></td>
                  {[x.keys, x.destroyed, x.deferred].map((n, i) => <td key={i} className="tnum px-4 py-2 text-end">{count(n)}</td>)}
                </tr>
              ))}
            </Table>
          )}
        </>
      )}
    </Office>
  );
}

function RuleRow({ rule: r }: { rule: Rule }) {
  return (
    <tr className="border-b border-line align-top last:border-0">
      <th scope="row" className="px-4 py-2 text-start"><span className="font-mono text-chip">{r.class}</span>{r.what && <span className="block font-normal text-muted">{r.what}</span>}</th>
      <td className="px-4 py-2">{r.sentence || `${r.keep} from ${r.anchor}`}</td>
      <td className="px-4 py-2 text-muted">{r.clause}</td>
      <td className="tnum px-4 py-2 text-end">{count(r.keys)}</td>
    </tr>
  );
}

function DueNow({ due, suspended, sweeps }: { due: Sweep; suspended: string; sweeps: readonly Sweep[] }) {
  const me = useMe();
  const [ask, setAsk] = useState<"sweep" | Sweep | null>(null);
  const waiting = sweeps.filter((s) => s.state === "waiting");
  const mine = (s: Sweep): boolean => s.approvals.some((a) => a.includes(me.id));
  return (
    <>
      {suspended && (
        <Card className="flex flex-wrap items-center gap-3 border-warn bg-warn-soft p-4 text-warn">
          <p className="min-w-0 flex-1">The clock of this machine {suspended === "back" ? "went back" : suspended === "jump" ? "jumped" : "differs from its servers"}. Nothing is destroyed until somebody says that it is right.</p>
          <Button onClick={() => void command((key) => client.POST("/privacy/clock/accept", { headers: { "Idempotency-Key": key } })).then(again, (e: unknown) => toast("Not accepted", { tone: "problem", detail: asProblem(e).message }))}>The clock is right</Button>
        </Card>
      )}
      <Card className="flex flex-wrap items-center gap-4 p-4">
        <div className="min-w-0 flex-1">
          <p className="text-pane font-unread">{due.keys === 0 ? "Nothing is due" : `${plural(due.keys, "key")} due now`}</p>
          <p className="text-muted">{due.keys === 0 ? `${plural(due.live, "key")} kept, each with its date.` : due.by_class.map((c) => `${c.class} ${count(c.n)}`).join(", ")}</p>
        </div>
        <Button disabled={due.keys === 0} onClick={() => setAsk("sweep")}>Sweep now…</Button>
      </Card>
      {waiting.map((s) => (
        <Card key={s.id} className="flex flex-wrap items-center gap-4 p-4">
          <div className="min-w-0 flex-1"><p className="font-strong">A sweep of {plural(s.keys, "key")} waits for two persons</p><p className="text-muted">Approved by {s.approvals.length} of 2. It is larger than may run by itself.</p></div>
          <Button reason={mine(s) ? "You have approved it. Somebody else has to." : undefined} onClick={() => setAsk(s)}>Decide…</Button>
        </Card>
      ))}
      {ask === "sweep" && (
        <ConfirmDialog danger title={`Destroy ${plural(due.keys, "key")}?`} act="Sweep" text="What they seal is gone for good. Above the limits it waits for two persons first." onClose={() => setAsk(null)}
          onAct={async () => { await command((key) => client.POST("/privacy/sweeps", { headers: { "Idempotency-Key": key } })); toast("Sweep begun"); again(); }} />
      )}
      {ask && ask !== "sweep" && (
        <ConfirmDialog danger title="Approve the sweep?" act="Approve" text={`${plural(ask.keys, "key")} as listed on ${fullDate(ask.previewed)}. What was held or renewed since is spared.`} onClose={() => setAsk(null)}
          onAct={async () => { await command((key) => client.POST("/privacy/approvals/{id}", { ...keyed(ask.id, key), body: { approve: true, digest: ask.digest } })); toast("Approved"); again(); }} />
      )}
    </>
  );
}
