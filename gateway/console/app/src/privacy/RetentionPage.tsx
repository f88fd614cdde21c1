import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { client, keyed } from "../api/client";
import { Card, Waiting } from "../ops/OpsPage";
import { attempt, command } from "../state/act";
import { useMe } from "../state/me";
import { useAgentName } from "../state/people";
import { fullDate } from "../text/time";
import { count, plural } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { toast } from "../ui/toast";
import { ChangeRule } from "./ChangeRule";
import { Heading, Office, Table } from "./Frame";
import { again, dueQuery, type Rule, type Schedule, scheduleQuery, type Sweep, sweepsQuery } from "./queries";
import { sweepNames, sweepTones } from "./words";

/** How long what is kept, what is due now, and what was swept. */
export function RetentionPage() {
  const schedule = useQuery(scheduleQuery);
  const due = useQuery(dueQuery);
  const sweeps = useQuery(sweepsQuery);
  return (
    <Office title="Retention" intro="Each piece of personal data has a date on which its key is destroyed. A legal hold comes before it. What is more than the limits waits for two persons.">
      {!schedule.data || !due.data || !sweeps.data ? <Waiting what="The schedule" of={[schedule, due, sweeps]} /> : (
        <>
          <DueNow due={due.data.due} suspended={due.data.clock.suspended} sweeps={sweeps.data.items} />
          <Rules schedule={schedule.data} />
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

function Rules({ schedule: s }: { schedule: Schedule }) {
  const [change, setChange] = useState<Rule | null>(null);
  return (
    <>
      <Heading>Schedule, version {s.version}</Heading>
      <Table name="Schedule" fits head={[["Class"], ["Kept"], ["Clause", "text-start max-pane:hidden"], ["Keys", "text-end max-pane:hidden"], ["Change", "sr-only"]]}>
        {s.rules.map((r) => (
          <tr key={r.class} className="border-b border-line align-top last:border-0">
            <th scope="row" className="px-4 py-2 text-start font-normal"><span className="font-mono text-chip">{r.class}</span>{r.what && <span className="block text-muted first-letter:uppercase">{r.what}</span>}</th>
            <td className="px-4 py-2">{r.sentence}</td>
            <td className="px-4 py-2 text-muted max-pane:hidden">{r.clause}</td>
            <td className="tnum px-4 py-2 text-end max-pane:hidden">{count(r.keys)}</td>
            <td className="py-1 pe-3 text-end"><Button kind="ghost" aria-label={`Change ${r.class}`} onClick={() => setChange(r)}>Change…</Button></td>
          </tr>
        ))}
      </Table>
      <p className="text-chip text-subtle">By itself a sweep destroys at most {count(s.limits.auto_keys)} keys, or {count(s.limits.auto_share_ppm / 10_000)} in a hundred. {s.history.length > 1 ? `Changed ${fullDate(s.at)}: ${s.reason}` : ""}</p>
      {change && <ChangeRule rule={change} schedule={s} onClose={() => setChange(null)} />}
    </>
  );
}

const clocks: Record<string, string> = { back: "went back", jump: "jumped", sources: "differs from its servers" };

function DueNow({ due, suspended, sweeps }: { due: Sweep; suspended: string; sweeps: readonly Sweep[] }) {
  const [ask, setAsk] = useState(false);
  return (
    <>
      {suspended && (
        <Card className="flex shrink-0 flex-wrap items-center gap-3 border-warn bg-warn-soft p-4 text-warn">
          <p className="min-w-0 flex-1 basis-64">The clock of this machine {clocks[suspended]}. Nothing is destroyed until somebody says that it is right.</p>
          <Button onClick={() => attempt(command((key) => client.POST("/privacy/clock/accept", { headers: { "Idempotency-Key": key } })), "The clock is accepted", again)}>The clock is right</Button>
        </Card>
      )}
      <Card className="flex shrink-0 flex-wrap items-center gap-4 p-4">
        <div className="min-w-0 flex-1">
          <p className="text-pane font-unread">{due.keys === 0 ? "Nothing is due" : `${plural(due.keys, "key")} due now`}</p>
          <p className="text-muted">{due.keys === 0 ? `${plural(due.live, "key")} kept, each with its date.` : due.by_class.map((c) => `${c.class} ${count(c.n)}`).join(", ")}</p>
        </div>
        <Button reason={due.keys === 0 ? "Nothing is past its date." : undefined} onClick={() => setAsk(true)}>Sweep now…</Button>
      </Card>
      {sweeps.filter((s) => s.state === "waiting").map((s) => <Decision key={s.id} sweep={s} />)}
      {ask && (
        <AskDialog danger title={`Destroy ${plural(due.keys, "key")}?`} act="Sweep" text="What they seal is gone for good. Above the limits it waits for two persons first." onClose={() => setAsk(false)}
          onAct={async () => { await command((key) => client.POST("/privacy/sweeps", { headers: { "Idempotency-Key": key } })); toast("Sweep begun"); again(); }} />
      )}
    </>
  );
}

/** A sweep larger than may run by itself: two persons look at the same list, which its digest names. */
function Decision({ sweep: s }: { sweep: Sweep }) {
  const me = useMe();
  const agent = useAgentName();
  const [ask, setAsk] = useState<"approve" | "decline" | null>(null);
  const ids = s.approvals.map((a) => a.replace(/^agent:/, ""));
  const send = async (approve: boolean): Promise<void> => {
    await command((key) => client.POST("/privacy/approvals/{id}", { ...keyed(s.id, key), body: { approve, digest: s.digest } }));
    toast(approve ? "Approved" : "Declined");
    again();
  };
  return (
    <Card className="flex shrink-0 flex-wrap items-center gap-4 border-warn p-4">
      <div className="min-w-0 flex-1 basis-64">
        <p className="font-strong">A sweep of {plural(s.keys, "key")} waits for two persons</p>
        <p className="text-muted">{ids.length === 0 ? "Nobody has approved it yet." : `Approved by ${ids.map(agent).join(" and ")}, one of two.`} {s.by_class.map((c) => `${c.class} ${count(c.n)}`).join(", ")}</p>
        <p className="truncate font-mono text-meta text-subtle" title={`Digest of the list: ${s.digest}`}>{s.digest.slice(0, 24)}</p>
      </div>
      <div className="flex gap-2">
        <Button kind="ghost" onClick={() => setAsk("decline")}>Decline…</Button>
        <Button kind="danger" reason={ids.includes(me.id) ? "You have approved it. Somebody else has to." : undefined} onClick={() => setAsk("approve")}>Approve…</Button>
      </div>
      {ask === "approve" && <AskDialog danger title="Approve the sweep?" act="Approve" text={`${plural(s.keys, "key")} as listed on ${fullDate(s.previewed)}. What was held or renewed since is spared.`} onClose={() => setAsk(null)} onAct={() => send(true)} />}
      {ask === "decline" && <AskDialog title="Decline the sweep?" act="Decline" text="Nothing of this list is destroyed. What is due then comes up again with the next sweep." onClose={() => setAsk(null)} onAct={() => send(false)} />}
    </Card>
  );
}
