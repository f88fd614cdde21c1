import { useQuery } from "@tanstack/react-query";
import { Mail } from "lucide-react";
import { asProblem } from "../api/problem";
import { mailboxesQuery } from "../api/queries";
import type { Mailbox } from "../api/types";
import { ago } from "../text/time";
import { count } from "../text/words";
import { Chip, type Tone } from "../ui/chip";
import { Bone, EmptyState, ErrorState } from "../ui/states";
import { When } from "../ui/when";
import { Card, OpsPage } from "./OpsPage";

const looks: Record<Mailbox["state"], { name: string; tone: Tone; text: string }> = {
  connecting: { name: "Connecting", tone: "info", text: "Opening the connection." },
  idle: { name: "Listening", tone: "ok", text: "New mail arrives at once." },
  polling: { name: "Polling", tone: "ok", text: "The server cannot push; it is asked regularly." },
  backoff: { name: "Waiting to retry", tone: "warn", text: "The connection broke. It is tried again by itself; mail waits on the server." },
  auth_failed: { name: "Sign-in refused", tone: "danger", text: "The mail server refuses the name or password. Mail waits on the server until that is set right." },
  stopped: { name: "Stopped", tone: "plain", text: "Not read at the moment." },
};

export function MailboxesPage() {
  const query = useQuery(mailboxesQuery);
  const list = query.data;
  return (
    <OpsPage title="Mail routes" intro="The mailboxes requests come from. A message counts as taken only once it is stored; until then it stays on its server.">
      {query.isError && !list ? <ErrorState what="The mailboxes could not be read" problem={asProblem(query.error)} onRetry={() => void query.refetch()} />
        : !list ? <Card className="p-4"><Bone className="h-3 w-1/2" /></Card>
        : list.length === 0 ? <div className="flex-1"><EmptyState icon={<Mail />} title="No mailbox is connected" text="Mailboxes are set in the configuration of the hub. Once one is there, its state shows here." /></div>
        : <ul className="grid grid-cols-1 gap-3 side:grid-cols-2">{list.map((m) => <li key={m.id}><Box mailbox={m} /></li>)}</ul>}
    </OpsPage>
  );
}

function Box({ mailbox: m }: { mailbox: Mailbox }) {
  const look = looks[m.state] ?? { name: m.state, tone: "plain" as Tone, text: "" };
  return (
    <Card className="h-full p-4">
      <div className="flex items-center gap-2"><h2 className="min-w-0 flex-1 truncate text-pane font-unread">{m.address}</h2><Chip tone={look.tone}>{look.name}</Chip></div>
      <p className="mt-1 text-muted">{look.text}</p>
      {m.last_error && <p className="mt-2 rounded-sm bg-danger-soft px-2.5 py-1.5 font-mono text-meta break-words text-fg">{m.last_error}</p>}
      <dl className="mt-3 grid grid-cols-3 gap-3 border-t border-line pt-3">
        <div><dt className="text-chip text-subtle">Last contact</dt><dd>{m.last_ok_at ? <When at={m.last_ok_at} say={ago} /> : "Never"}</dd></div>
        <div><dt className="text-chip text-subtle">Taken in</dt><dd className="tnum">{count(m.messages)}</dd></div>
        <div><dt className="text-chip text-subtle">Next UID</dt><dd className="tnum">{count(m.uid_next)}</dd></div>
      </dl>
    </Card>
  );
}
