import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { CircleCheck, Send } from "lucide-react";
import { useState } from "react";
import { client, keyed } from "../api/client";
import { outboxQuery, queryClient } from "../api/queries";
import type { Outbound, OutboundState } from "../api/types";
import { attempt, command } from "../state/act";
import { answerOf } from "../text/mail";
import { ago, shortTime, until } from "../text/time";
import { count, isOutboundState, outboundNames, outboundStates, readable, subjectOf } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { Chip, type Tone } from "../ui/chip";
import { cx } from "../ui/cx";
import { Segments } from "../ui/segments";
import { EmptyState } from "../ui/states";
import { toast } from "../ui/toast";
import { When } from "../ui/when";
import { Card, OpsPage, Older, Waiting } from "./OpsPage";

const tones: Record<OutboundState, Tone> = {
  held: "plain", queued: "plain", sending: "info", accepted: "ok", deferred: "warn", failed: "danger", unknown: "warn", bounced: "danger", cancelled: "plain",
};

const after = (): void => void queryClient.invalidateQueries({ queryKey: ["outbox"] });

export function OutboxPage() {
  const asked = useSearch({ strict: false }).state ?? "";
  const state = isOutboundState(asked) ? asked : "";
  const [pages, setPages] = useState(1);
  const query = useQuery(outboxQuery(state, pages));
  const navigate = useNavigate();
  const choose = (s: string): void => { setPages(1); void navigate({ to: "/ops/outbox", search: s ? { state: s } : {} }); };
  const data = query.data;
  return (
    <OpsPage title="Outbox" intro="Every mail that leaves, with what the next mail server said. Sent means that this server took it; nobody reports whether it was delivered or read. A mail whose outcome is not known is never sent again by itself.">
      <Segments label="Show by state" value={state} onChoose={(s) => choose(s === state ? "" : s)} choices={[["", "All"], ...outboundStates.map((s) => [s, outboundNames[s], <Number key={s} n={data?.counts[s]} tone={tones[s]} />] as const)]} />
      {!data ? <Waiting what="The outbox" of={[query]} />
        : data.items.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={state ? <CircleCheck /> : <Send />} title={state ? `Nothing is ${outboundNames[state].toLowerCase()}` : "Nothing has been sent yet"} text="New mail appears here by itself." /></div>
        : (
          <Card>
            <ul>{data.items.map((o) => <Row key={o.id} item={o} />)}</ul>
            <Older next={data.next} busy={query.isFetching} onMore={() => setPages((p) => p + 1)} />
          </Card>
        )}
    </OpsPage>
  );
}

const Number = ({ n, tone }: { n?: number; tone: Tone }) => (n ? <span className={cx("tnum", tone === "danger" ? "text-danger" : tone === "warn" && "text-warn")}>{count(n)}</span> : null);

function Row({ item: o }: { item: Outbound }) {
  return (
    <li className="grid grid-cols-[1fr_auto] items-start gap-x-4 gap-y-1 border-b border-line px-4 py-3 last:border-0 pane:grid-cols-[104px_1fr_auto]">
      <span className="max-pane:order-2 max-pane:justify-self-end"><Chip tone={tones[o.state]}>{outboundNames[o.state]}</Chip></span>
      <div className="min-w-0">
        <p className="flex items-baseline gap-2">
          <span className="truncate font-strong">{subjectOf(o.subject)}</span>
          {o.ticket && <Link to="/t/$ticket" params={{ ticket: o.ticket_number ? String(o.ticket_number) : o.ticket }} className="shrink-0 font-mono text-chip text-accent-text hover:underline">{o.ticket_number ? `#${o.ticket_number}` : "request"}</Link>}
        </p>
        <p className="flex text-muted"><span className="truncate">{readable(o.kind)} to {o.to || "an erased customer"}</span><span className="shrink-0 whitespace-pre"> · <When at={o.created_at} say={shortTime} /></span></p>
        <Outcome item={o} />
      </div>
      <div className="flex justify-end gap-1.5 max-pane:order-3 max-pane:col-span-2"><Actions item={o} /></div>
    </li>
  );
}

function Outcome({ item: o }: { item: Outbound }) {
  const { words, codes } = answerOf(o.last_code, o.last_detail);
  const waits = o.next_attempt_at && (o.state === "deferred" || o.state === "queued");
  if (!words && !codes && !waits && o.attempts < 2) return null;
  const bad = o.state === "failed" || o.state === "bounced";
  return (
    <p className="mt-0.5 flex flex-wrap items-baseline gap-x-3 text-chip text-subtle">
      {words && <span className={cx(bad && "text-danger")}>{words}</span>}
      {codes && <span className={cx("font-mono text-meta break-words", bad && "text-danger")}>{codes}</span>}
      {o.attempts > 1 && <span className="tnum">{o.attempts} attempts</span>}
      {waits && <span>Next try <When at={o.next_attempt_at!} say={until} /></span>}
    </p>
  );
}

type Asked = "cancel" | "accepted" | "failed" | null;

function Actions({ item: o }: { item: Outbound }) {
  const [ask, setAsk] = useState<Asked>(null);
  const retry = (): void => attempt(command((k) => client.POST("/outbox/{id}/retry", { ...keyed(o.id, k), body: {} })), "Queued again", after, "Not queued again");
  const close = (): void => setAsk(null);
  return (
    <>
      {(o.state === "failed" || o.state === "deferred" || o.state === "bounced") && <Button onClick={retry}>{o.state === "deferred" ? "Try now" : "Send again"}</Button>}
      {(o.state === "queued" || o.state === "deferred") && <Button kind="ghost" onClick={() => setAsk("cancel")}>Cancel…</Button>}
      {o.state === "unknown" && <><Button onClick={() => setAsk("accepted")}>It was sent…</Button><Button kind="ghost" onClick={() => setAsk("failed")}>It was not…</Button></>}
      {ask === "cancel" && (
        <AskDialog title="Cancel this mail" act="Cancel the mail" danger onClose={close} text={`The mail to ${o.to} will not be sent. The request keeps a record of it.`}
          onAct={async () => { await command((k) => client.POST("/outbox/{id}/cancel", { ...keyed(o.id, k), body: {} })); toast("Mail cancelled"); after(); }} />
      )}
      {(ask === "accepted" || ask === "failed") && (
        <AskDialog title={ask === "accepted" ? "Record that it was sent" : "Record that it was not sent"} act={ask === "accepted" ? "Record as sent" : "Record as not sent"} onClose={close}
          text={`The connection broke while the mail to ${o.to} was handed over (${ago(o.created_at)}), so nobody here knows whether the other server took it. Look in that server's log or ask the customer before you decide.`}
          onAct={async () => { await command((k) => client.POST("/outbox/{id}/resolve", { ...keyed(o.id, k), body: { outcome: ask } })); toast("Outcome recorded"); after(); }} />
      )}
    </>
  );
}
