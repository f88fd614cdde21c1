import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { CircleCheck, Send } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client";
import { asProblem } from "../api/problem";
import { outboxQuery, queryClient } from "../api/queries";
import type { Outbound, OutboundState } from "../api/types";
import { command } from "../state/act";
import { answerOf } from "../text/mail";
import { ago, shortTime, until } from "../text/time";
import { count, isOutboundState, outboundNames, outboundStates, readable, subjectOf } from "../text/words";
import { Button } from "../ui/button";
import { Chip, type Tone } from "../ui/chip";
import { cx } from "../ui/cx";
import { Bone, EmptyState, ErrorState } from "../ui/states";
import { toast } from "../ui/toast";
import { When } from "../ui/when";
import { ConfirmDialog } from "./ConfirmDialog";
import { Card, OpsPage } from "./OpsPage";

const tones: Record<OutboundState, Tone> = {
  held: "plain", queued: "plain", sending: "info", accepted: "ok", deferred: "warn", failed: "danger", unknown: "warn", bounced: "danger", cancelled: "plain",
};

const body = (o: Outbound, key: string) => ({ params: { path: { id: o.id } }, headers: { "Idempotency-Key": key } });
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
      <div role="group" aria-label="Show by state" className="flex gap-1.5 max-pane:-mx-3 max-pane:shrink-0 max-pane:overflow-x-auto max-pane:px-3 max-pane:[scrollbar-width:none] pane:flex-wrap">
        <Filter label="All" active={state === ""} onClick={() => choose("")} />
        {outboundStates.map((s) => <Filter key={s} label={outboundNames[s]} n={data?.counts[s]} tone={tones[s]} active={state === s} onClick={() => choose(state === s ? "" : s)} />)}
      </div>
      {query.isError && !data ? <ErrorState what="The outbox could not be read" problem={asProblem(query.error)} onRetry={() => void query.refetch()} />
        : !data ? <Card className="flex flex-col gap-4 p-4">{[1, 2, 3, 4].map((i) => <Bone key={i} className="h-3 w-2/3" />)}</Card>
        : data.items.length === 0 ? <div className="flex-1"><EmptyState icon={state ? <CircleCheck /> : <Send />} title={state ? `Nothing is ${outboundNames[state].toLowerCase()}` : "Nothing has been sent yet"} text="New mail appears here by itself." /></div>
        : (
          <Card>
            <ul>{data.items.map((o) => <Row key={o.id} item={o} />)}</ul>
            {data.next && <div className="border-t border-line p-2 text-center"><Button kind="ghost" disabled={query.isFetching} onClick={() => setPages((p) => p + 1)}>Show older</Button></div>}
          </Card>
        )}
    </OpsPage>
  );
}

function Filter({ label, n, tone, active, onClick }: { label: string; n?: number; tone?: Tone; active: boolean; onClick: () => void }) {
  const loud = !!n && (tone === "danger" || tone === "warn");
  return (
    <button type="button" aria-pressed={active} onClick={onClick}
      className={cx("control inline-flex shrink-0 items-center gap-2 rounded-sm border px-2.5 font-label", active ? "border-accent bg-accent-soft text-accent-text" : "border-line bg-panel text-muted hover:bg-hover hover:text-fg")}>
      {label}{!!n && <span className={cx("tnum", loud && !active ? (tone === "danger" ? "text-danger" : "text-warn") : "")}>{count(n)}</span>}
    </button>
  );
}

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
  async function retry(): Promise<void> {
    try {
      await command((k) => client.POST("/outbox/{id}/retry", { ...body(o, k), body: {} }));
      toast("Queued again");
      after();
    } catch (e) {
      toast("Not queued again", { tone: "problem", detail: asProblem(e).message });
    }
  }
  const close = (): void => setAsk(null);
  return (
    <>
      {(o.state === "failed" || o.state === "deferred" || o.state === "bounced") && <Button onClick={() => void retry()}>{o.state === "deferred" ? "Try now" : "Send again"}</Button>}
      {(o.state === "queued" || o.state === "deferred") && <Button kind="ghost" onClick={() => setAsk("cancel")}>Cancel…</Button>}
      {o.state === "unknown" && <><Button onClick={() => setAsk("accepted")}>It was sent…</Button><Button kind="ghost" onClick={() => setAsk("failed")}>It was not…</Button></>}
      {ask === "cancel" && (
        <ConfirmDialog title="Cancel this mail" act="Cancel the mail" danger onClose={close} text={`The mail to ${o.to} will not be sent. The request keeps a record of it.`}
          onAct={async () => { await command((k) => client.POST("/outbox/{id}/cancel", { ...body(o, k), body: {} })); toast("Mail cancelled"); after(); }} />
      )}
      {(ask === "accepted" || ask === "failed") && (
        <ConfirmDialog title={ask === "accepted" ? "Record that it was sent" : "Record that it was not sent"} act={ask === "accepted" ? "Record as sent" : "Record as not sent"} onClose={close}
          text={`The connection broke while the mail to ${o.to} was handed over (${ago(o.created_at)}), so nobody here knows whether the other server took it. Look in that server's log or ask the customer before you decide.`}
          onAct={async () => { await command((k) => client.POST("/outbox/{id}/resolve", { ...body(o, k), body: { outcome: ask } })); toast("Outcome recorded"); after(); }} />
      )}
    </>
  );
}
