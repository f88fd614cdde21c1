import { useQuery } from "@tanstack/react-query";
import { Download, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { client, keyed } from "../api/client";
import { quarantineQuery, queryClient } from "../api/queries";
import type { Quarantined } from "../api/types";
import { attempt, command } from "../state/act";
import { holdWords } from "../text/mail";
import { shortTime } from "../text/time";
import { fileSize, readable, subjectOf } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button, download } from "../ui/button";
import { Chip } from "../ui/chip";
import { EmptyState } from "../ui/states";
import { toast } from "../ui/toast";
import { When } from "../ui/when";
import { Card, OpsPage, Older, Waiting } from "./OpsPage";

export function QuarantinePage() {
  const [pages, setPages] = useState(1);
  const query = useQuery(quarantineQuery(pages));
  const data = query.data;
  return (
    <OpsPage title="Quarantine" intro="Mail that could not be taken in safely. Nothing here is lost: look at the original, then release it as a request or discard it.">
      {!data ? <Waiting what="The quarantine" of={[query]} />
        : data.items.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={<ShieldCheck />} title="Nothing is held back" text="Mail that cannot be read or looks like an attack is kept here instead of being lost." /></div>
        : (
          <Card>
            <ul>{data.items.map((i) => <Row key={i.id} item={i} />)}</ul>
            <Older next={data.next} busy={query.isFetching} onMore={() => setPages((p) => p + 1)} />
          </Card>
        )}
    </OpsPage>
  );
}

function Row({ item: i }: { item: Quarantined }) {
  const why = holdWords(i.reason, i.detail, readable);
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 border-b border-line px-4 py-3 last:border-0">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex items-center gap-2"><span className="truncate font-strong">{subjectOf(i.subject)}</span>
          {i.state === "held" ? <Chip tone="warn" className="max-w-56">{why.name}</Chip> : <Chip tone={i.state === "released" ? "ok" : "plain"}>{readable(i.state)}</Chip>}</p>
        <p className="flex text-muted"><span className="truncate">{i.from || "Sender not readable"} {i.form ? `by the form ${i.form}` : `to ${i.mailbox}`}</span><span className="shrink-0 whitespace-pre"> · {fileSize(i.size)} · <When at={i.received_at} say={shortTime} /></span></p>
        {why.text && <p className="mt-0.5 text-chip text-subtle">{why.text}</p>}
      </div>
      <div className="flex flex-wrap gap-1.5">
        <a href={`/api/v1/quarantine/${i.id}/raw`} download className={download}><Download className="size-4" aria-hidden />Original</a>
        {i.state === "held" && <Actions item={i} />}
      </div>
    </li>
  );
}

function Actions({ item: i }: { item: Quarantined }) {
  const [ask, setAsk] = useState(false);
  const options = (key: string) => ({ ...keyed(i.id, key), body: {} });
  const after = (): void => { for (const key of ["quarantine", "counts"]) void queryClient.invalidateQueries({ queryKey: [key] }); };
  const release = (): void => attempt(command((k) => client.POST("/quarantine/{id}/release", options(k))), "Released. It becomes a request in a moment.", after, "Not released");
  const retry = (): void => attempt(command((k) => client.POST("/quarantine/{id}/retry", options(k))), "Read again. If it is well now, it becomes a request in a moment.", after, "Still held");
  return (
    <>
      <Button kind="ghost" onClick={retry}>Try again</Button>
      <Button onClick={release}>Release</Button>
      <Button kind="danger" onClick={() => setAsk(true)}>Discard…</Button>
      {ask && (
        <AskDialog title="Discard this mail" act="Discard the mail" danger onClose={() => setAsk(false)} text={`“${subjectOf(i.subject)}” will not become a request. That it came, and that you discarded it, stays on record.`}
          onAct={async () => { await command((k) => client.POST("/quarantine/{id}/discard", options(k))); toast("Discarded"); after(); }} />
      )}
    </>
  );
}
