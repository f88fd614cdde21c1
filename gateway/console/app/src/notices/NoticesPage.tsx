import { queryOptions, useQuery } from "@tanstack/react-query";
import { Megaphone, Plus } from "lucide-react";
import { useState } from "react";
import { call, client } from "../api/client";
import { asProblem } from "../api/problem";
import { queryClient } from "../api/queries";
import type { components } from "../api/schema";
import { Card, OpsPage, Waiting } from "../ops/OpsPage";
import { command } from "../state/act";
import { useMe } from "../state/me";
import { duration, fullDate } from "../text/time";
import { count, isOutboundState, outboundNames, plural, readable } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip, type Tone } from "../ui/chip";
import { EmptyState } from "../ui/states";
import { toast } from "../ui/toast";

type Notice = components["schemas"]["NoticeToMany"];

const noticesQuery = queryOptions({
  queryKey: ["notices"],
  queryFn: ({ signal }) => call(client.GET("/notices", { signal, params: { query: { limit: 50 } } })).then((a) => a.data.items),
  refetchInterval: (q) => (q.state.data?.some((n) => n.state === "listing" || n.state === "sending") ? 2000 : 15_000),
});
const again = (): void => void queryClient.invalidateQueries({ queryKey: ["notices"] });

const states: Record<Notice["state"], readonly [string, Tone]> = {
  draft: ["Draft", "plain"], approved: ["Approved", "info"], listing: ["Listing recipients", "info"], sending: ["Sending", "info"], paused: ["Paused", "warn"], cancelled: ["Cancelled", "plain"], finished: ["Finished", "ok"],
};

/** Messages to many: a change of the policy, an incident, a transfer. */
export function NoticesPage() {
  const [adding, setAdding] = useState(false);
  const query = useQuery(noticesQuery);
  return (
    <OpsPage title="Notices" intro="One message to many customers. Somebody else approves it; each customer gets it once, whatever happens on the way."
      actions={<Button kind="primary" onClick={() => setAdding(true)}><Plus className="size-4" aria-hidden />New notice</Button>}>
      {!query.data ? <Waiting what="The notices" of={[query]} />
        : query.data.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={<Megaphone />} title="No notices yet" text="Draft one, look at it as a customer will, and have it approved." /></div>
        : <Card><ul>{query.data.map((n) => <Row key={n.id} notice={n} />)}</ul></Card>}
      {adding && <Draft onClose={() => setAdding(false)} />}
    </OpsPage>
  );
}

function Draft({ onClose }: { onClose: () => void }) {
  return (
    <AskDialog title="New notice" text="Placeholders are filled in for each recipient. Say what stands there for somebody who has none: {{name|customer}}."
      fields={[
        { name: "title", label: "Title, for colleagues" },
        { name: "kind", label: "Kind", kind: "choice", choices: [["administrative", "Administrative: reaches everybody"], ["promotional", "Promotional: only with consent"]] },
        { name: "topic", label: "About", kind: "choice", choices: [["policy", "A change of the policy"], ["incident", "An incident"], ["service", "The service"], ["transfer", "A transfer"], ["other", "Something else"]] },
        { name: "subject", label: "Subject" }, { name: "text", label: "Text", kind: "area" },
        { name: "rate", label: "Mails a minute", kind: "number", value: "60" },
      ]}
      act="Save the draft" onClose={onClose}
      onAct={async (v) => {
        await command((key) => client.POST("/notices", {
          headers: { "Idempotency-Key": key },
          body: { title: v.title!, kind: v.kind as "administrative", topic: v.topic as "policy", rate: Number(v.rate), texts: [{ language: "en", subject: v.subject!, text: v.text! }] },
        }));
        toast("Draft saved");
        again();
      }} />
  );
}

function Row({ notice: n }: { notice: Notice }) {
  const [name, tone] = states[n.state];
  const sent = Object.entries(n.counts as Record<string, number>).filter(([, c]) => c > 0);
  const through = n.recipients > 0 ? (n.recipients - n.outstanding) / n.recipients : 0;
  return (
    <li className="flex flex-col gap-2 border-b border-line px-4 py-3 last:border-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <p className="flex items-center gap-2"><span className="truncate font-strong">{n.draft.title}</span><Chip tone={tone}>{name}</Chip>{n.draft.kind === "promotional" && <Chip>Promotional</Chip>}</p>
          <p className="truncate text-muted">{n.draft.texts[0]?.subject} · {fullDate(n.created_at)}</p>
        </div>
        <Actions notice={n} />
      </div>
      {n.recipients > 0 && (
        <>
          {n.state !== "finished" && n.state !== "cancelled" && <div role="progressbar" aria-label={`Progress of ${n.draft.title}`} aria-valuemin={0} aria-valuemax={n.recipients} aria-valuenow={n.recipients - n.outstanding} className="h-1.5 overflow-hidden rounded-full bg-sunken">
            <div className="h-full bg-accent" style={{ width: `${Math.round(through * 100)}%` }} />
          </div>}
          <p className="tnum text-chip text-subtle">{plural(n.recipients, "recipient")}, {sent.map(([s, c]) => `${count(c)} ${(isOutboundState(s) ? outboundNames[s] : readable(s)).toLowerCase()}`).join(", ") || "none sent yet"}{n.seconds_left > 0 && n.state === "sending" && `; about ${duration(n.seconds_left)} left`}</p>
        </>
      )}
    </li>
  );
}

type Verb = "approve" | "start" | "pause" | "resume" | "cancel";
const verbs: Record<Notice["state"], readonly Verb[]> = {
  draft: ["approve", "cancel"], approved: ["start", "cancel"], listing: ["pause", "cancel"], sending: ["pause", "cancel"], paused: ["resume", "cancel"], cancelled: [], finished: [],
};
const verbNames: Record<Verb, string> = { approve: "Approve", start: "Send to all…", pause: "Pause", resume: "Resume", cancel: "Cancel…" };

function Actions({ notice: n }: { notice: Notice }) {
  const me = useMe();
  const [ask, setAsk] = useState<Verb | "test" | null>(null);
  const send = (verb: Verb) => command((key) => {
    const o = { params: { path: { id: n.id } }, headers: { "Idempotency-Key": key } };
    return verb === "approve" ? client.POST("/notices/{id}/approve", { ...o, body: { revision: n.revision } }) : client.POST(`/notices/{id}/${verb}`, { ...o, body: {} });
  });
  const now = (verb: Verb): void => void send(verb).then(() => { toast("Done"); again(); }, (e: unknown) => toast("Not done", { tone: "problem", detail: asProblem(e).message }));
  const own = n.drafters.some((d) => d.id === me.id);
  const test = (): void => void command((key) => client.POST("/notices/{id}/preview", { params: { path: { id: n.id } }, headers: { "Idempotency-Key": key }, body: { send: true } }))
    .then(() => toast("Sent to you"), (e: unknown) => toast("Not sent", { tone: "problem", detail: asProblem(e).message }));
  return (
    <div className="flex flex-wrap gap-1.5">
      {n.state === "draft" && <Button kind="ghost" onClick={test}>Send it to me</Button>}
      {verbs[n.state].map((v) => (
        <Button key={v} kind={v === "cancel" ? "ghost" : v === "pause" ? "outline" : "primary"} reason={v === "approve" && own ? "Somebody who did not write it has to approve it." : undefined}
          onClick={() => (v === "start" || v === "cancel" ? setAsk(v) : now(v))}>{verbNames[v]}</Button>
      ))}
      {ask === "start" && <AskDialog title="Send it to all?" act="Send to all" text="Recipients are listed now, and each gets it once. You can pause at any time." onClose={() => setAsk(null)} onAct={async () => { await send("start"); again(); }} />}
      {ask === "cancel" && <AskDialog danger title="Cancel the notice?" act="Cancel it" text="Nobody else gets it. What was sent cannot be taken back." onClose={() => setAsk(null)} onAct={async () => { await send("cancel"); again(); }} />}
    </div>
  );
}
