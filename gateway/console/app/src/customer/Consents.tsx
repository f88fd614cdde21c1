import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../api/client";
import { Card, Waiting } from "../ops/OpsPage";
import { Heading } from "../privacy/Frame";
import { again, consentsQuery, type Step } from "../privacy/queries";
import { consentState, stepName } from "../privacy/words";
import { command } from "../state/act";
import { useActorName } from "../state/people";
import { fullDate, shortTime } from "../text/time";
import { plural, readable } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { toast } from "../ui/toast";
import { When } from "../ui/when";

type Verb = "ask" | "withdraw";

/** What a person agreed to: where each purpose stands, and the ledger that proves it. */
export function Consents({ customer, may }: { customer: string; may: boolean }) {
  const query = useQuery(consentsQuery(customer));
  const [deed, setDeed] = useState<{ verb: Verb; code: string; title: string } | null>(null);
  const [shown, setShown] = useState(false);
  const data = query.data;
  if (!data) return <><Heading>Consents</Heading><Waiting what="The consents" of={[query]} /></>;
  const rows = [...data.purposes, ...data.items.filter((c) => !data.purposes.some((p) => p.code === c.purpose)).map((c) => ({ code: c.purpose, title: readable(c.purpose) }))];
  return (
    <>
      <Heading>Consents</Heading>
      <Card className="shrink-0">
        <ul>
          {rows.map((p) => {
            const c = data.items.find((x) => x.purpose === p.code);
            const [state, tone] = c ? consentState(c.state) : (["Never asked", "plain"] as const);
            return (
              <li key={p.code} className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-2.5 last:border-0">
                <div className="min-w-0 flex-1 basis-56"><p className="font-strong">{p.title}</p><p className="text-muted">{c ? `Since ${fullDate(c.since)}${c.method ? `, ${readable(c.method).toLowerCase()}` : ""}` : "Nothing is sent for it."}</p></div>
                <Chip tone={tone} className="max-w-56">{state}</Chip>
                {may && c?.state !== "live" && c?.state !== "objected" && <Button onClick={() => setDeed({ verb: "ask", ...p })}>Ask…</Button>}
                {may && c?.state === "live" && <Button onClick={() => setDeed({ verb: "withdraw", ...p })}>They take it back…</Button>}
              </li>
            );
          })}
        </ul>
      </Card>
      {data.ledger.length > 0 && (
        <div>
          <button type="button" aria-expanded={shown} onClick={() => setShown((s) => !s)} className="min-h-6 rounded-xs text-accent-text hover:underline max-pane:min-h-11">{shown ? "Hide the ledger" : `Show the ledger, ${plural(data.ledger.length, "entry", "entries")}`}</button>
          {shown && <Ledger steps={data.ledger} titles={new Map(data.purposes.map((p) => [p.code, p.title]))} />}
        </div>
      )}
      {deed && (
        <AskDialog title={deed.verb === "ask" ? "Ask for consent" : "Note that they take it back"} act={deed.verb === "ask" ? "Write to them" : "Note it"} onClose={() => setDeed(null)}
          text={deed.verb === "ask" ? `“${deed.title}”: they get one letter with a link. Only what they do there counts; no answer means no.` : `“${deed.title}” ends at once. It can be given again by them only.`}
          onAct={async () => {
            await command((key) => client.POST(`/privacy/consents/{customer}/${deed.verb}`, { params: { path: { customer } }, headers: { "Idempotency-Key": key }, body: { purpose: deed.code } }));
            toast(deed.verb === "ask" ? "Letter on its way" : "Noted");
            again();
          }} />
      )}
    </>
  );
}

function Ledger({ steps, titles }: { steps: readonly Step[]; titles: ReadonlyMap<string, string> }) {
  const actor = useActorName();
  return (
    <Card className="mt-2">
      <ol>
        {steps.map((s) => {
          const { purpose = "", notice = "" } = s.facts as { purpose?: string; notice?: string };
          return (
            <li key={s.n} className="flex flex-wrap items-baseline gap-x-3 border-b border-line px-4 py-2 last:border-0">
              <span className="min-w-0 flex-1 basis-56"><span className="font-label">{stepName(s)}</span>{(purpose || notice) && <span className="text-muted"> · {titles.get(purpose) ?? readable(purpose || notice)}</span>}</span>
              <span className="text-muted">{actor(s.actor)}</span><When at={s.at} say={shortTime} className="w-16 text-end text-chip text-subtle" />
            </li>
          );
        })}
      </ol>
    </Card>
  );
}
