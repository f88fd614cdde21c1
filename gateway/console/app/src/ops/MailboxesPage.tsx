import { useQuery } from "@tanstack/react-query";
import { Mail } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../api/problem";
import { client, keyed } from "../api/client";
import { mailboxesQuery, queryClient } from "../api/queries";
import type { Mailbox } from "../api/types";
import { command } from "../state/act";
import { ago, fullDate } from "../text/time";
import { count, plural } from "../text/words";
import { Button } from "../ui/button";
import { Chip, type Tone } from "../ui/chip";
import { EmptyState } from "../ui/states";
import { toast } from "../ui/toast";
import { When } from "../ui/when";
import { Card, OpsPage, Waiting } from "./OpsPage";

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
      {!list ? <Waiting what="The mail routes" of={[query]} />
        : list.length === 0 ? <div className="flex flex-1 flex-col"><EmptyState icon={<Mail />} title="No mailbox is connected" text="Mailboxes are set in the configuration of the hub. Once one is there, its state shows here." /></div>
        : <ul className="grid grid-cols-1 gap-3 side:grid-cols-2">{list.map((m) => <li key={m.id}><Box mailbox={m} /></li>)}</ul>}
    </OpsPage>
  );
}

function Box({ mailbox: m }: { mailbox: Mailbox }) {
  const look = looks[m.state] ?? { name: m.state, tone: "plain" as Tone, text: "" };
  return (
    <Card className="flex h-full flex-col p-4">
      <div className="flex items-center gap-2"><h2 className="min-w-0 flex-1 truncate text-pane font-unread">{m.address}</h2><Chip tone={look.tone}>{look.name}</Chip></div>
      <p className="mt-1 text-muted">{look.text}</p>
      {m.last_error && <p className="mt-2 rounded-sm bg-danger-soft px-2.5 py-1.5 font-mono text-meta break-words text-fg">{m.last_error}</p>}
      <dl className="mt-3 grid grid-cols-3 gap-3 border-t border-line pt-3">
        <div><dt className="text-chip text-subtle">Last contact</dt><dd>{m.last_ok_at ? <When at={m.last_ok_at} say={ago} /> : "Never"}</dd></div>
        <div><dt className="text-chip text-subtle">Taken in</dt><dd className="tnum">{count(m.messages)}</dd></div>
        <div><dt className="text-chip text-subtle">Next UID</dt><dd className="tnum">{count(m.uid_next)}</dd></div>
      </dl>
      {m.access && <Access mailbox={m} />}
      {m.sent?.last_error && <p className="mt-3 text-chip text-warn">Folder {m.sent.folder}: {m.sent.last_error}</p>}
      <Compared mailbox={m} />
    </Card>
  );
}

const read = (): void => void queryClient.invalidateQueries({ queryKey: ["mailboxes"] });
const row = "mt-3 flex flex-wrap items-center gap-x-3 gap-y-2 border-t border-line pt-3";

/** Whether the mailbox's provider lets the hub in, and the way to have it do so. */
function Access({ mailbox: m }: { mailbox: Mailbox }) {
  const a = m.access!;
  async function connect(): Promise<void> {
    try {
      const { data } = await command((key) => client.POST("/mailboxes/{id}/connect", keyed(m.id, key)));
      location.assign(data.url);
    } catch (e) {
      toast("Not connected", { tone: "problem", detail: asProblem(e).message });
    }
  }
  return (
    <div className={row}>
      <p className={a.warning || !a.connected ? "min-w-0 flex-1 text-warn" : "min-w-0 flex-1 text-muted"}>
        {a.warning || (a.connected ? "The hub may use this mailbox." : "The provider does not let the hub in yet.")}{a.ends_at && ` That ends on ${fullDate(a.ends_at)}.`}
      </p>
      <Button kind={a.connected ? "outline" : "primary"} onClick={() => void connect()}>{a.connected ? "Connect again" : "Connect"}</Button>
    </div>
  );
}

/** What the newest comparison of server and hub found. */
function Compared({ mailbox: m }: { mailbox: Mailbox }) {
  const [busy, setBusy] = useState(false);
  const r = m.reconciled;
  async function compare(): Promise<void> {
    setBusy(true);
    try {
      const { data } = await command((key) => client.POST("/mailboxes/{id}/reconciliation", keyed(m.id, key)));
      toast(data.missing === 0 ? "Compared, nothing was missing" : `${plural(data.missing, "mail")} missing, ${count(data.fetched)} fetched`);
      read();
    } catch (e) {
      toast("Not compared", { tone: "problem", detail: asProblem(e).message });
    } finally {
      setBusy(false);
    }
  }
  const left = r ? r.missing - r.fetched : 0;
  return (
    <div className={row}>
      <div className="min-w-0 flex-1">
        {!r ? <p className="text-muted">Not compared with its server yet.</p> : (
          <>
            <p>{left > 0 ? <span className="text-danger">{plural(left, "mail")} on the server not taken in</span> : r.missing > 0 ? `${plural(r.missing, "mail")} had been missed and ${r.missing === 1 ? "was" : "were"} fetched` : "Nothing missing"}</p>
            <p className="text-chip text-subtle">{count(r.server)} on the server, compared <When at={r.at} say={ago} />{m.quarantined > 0 && `, ${count(m.quarantined)} in quarantine`}</p>
          </>
        )}
      </div>
      <Button disabled={busy} onClick={() => void compare()}>{busy ? "Comparing" : "Compare now"}</Button>
    </div>
  );
}
