import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { client, keyed } from "../api/client";
import { Problem } from "../api/problem";
import type { components } from "../api/schema";
import { Card, Waiting } from "../ops/OpsPage";
import { save } from "../state/act";
import { useMe } from "../state/me";
import { fullDate } from "../text/time";
import { count, plural } from "../text/words";
import { Chip } from "../ui/chip";
import { type Deed, Deeds } from "./Deeds";
import { Facts, Heading, Office, Steps } from "./Frame";
import { type Transfer, transferQuery } from "./queries";
import { transferState } from "./words";

const mono = (d?: string) => d && <span className="font-mono text-chip break-all">{d}</span>;

/** One transfer: its announcement, how far the letters got, what was handed over, and the proof that it arrived. */
export function TransferPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const me = useMe();
  const query = useQuery(transferQuery(id));
  const t = query.data?.item;
  if (!query.data || !t) return <Office title="Business transfer"><Waiting what="The transfer" of={[query]} /></Office>;
  const [state, tone] = transferState(t.state);
  const line = commandLine(t);
  return (
    <Office title="Business transfer" intro="Everybody is written to exactly once. What is handed over is sealed to the other hub, and both can show that they hold the same.">
      <Card className="flex shrink-0 flex-col gap-4 p-4">
        <Facts rows={[
          ["State", <Chip key="s" tone={tone} className="max-w-72">{state}</Chip>],
          ["Goes to", t.acquirer], ["Letter", t.subject],
          ["Takes effect", t.effective && fullDate(t.effective)], ["Objections until", t.object_by && fullDate(t.object_by)],
          ["Written to", t.acquirer && `${plural(t.queued, "person", "people")}${t.skipped > 0 ? `; ${count(t.skipped)} could not be: erased, or no address` : ""}`],
          [t.acquirer ? "Handed over" : "Taken in", t.events > 0 && plural(t.events, "event")],
          ["Digest of the package", mono(t.digest)], ["Digest of the state", mono(t.state_digest)],
          ["Keys destroyed here", t.shredded ? `${count(t.shredded)}${t.deferred ? `; ${count(t.deferred)} wait for a hold to end` : ""}` : ""],
          ["Key of this hub", mono(t.keys)],
        ]} />
        <Deeds of={t} deeds={deeds} me={me.id} />
      </Card>
      {line && (
        <>
          <Heading>Next, on the machine of the hub</Heading>
          <Card className="shrink-0 p-4">
            <p className="text-muted">{line.why}</p>
            <pre tabIndex={0} role="region" aria-label="Command" className="mt-2 overflow-x-auto rounded-sm bg-sunken px-3 py-2 font-mono text-chip">{line.command}</pre>
          </Card>
        </>
      )}
      <Steps steps={query.data.steps} />
    </Office>
  );
}

/** Exports and imports are too large for a browser; the command line does both. */
function commandLine(t: Transfer): { why: string; command: string } | undefined {
  switch (t.state) {
    case "noticed": return { why: "Once the time to object is over, the export is made for the key that the other hub gave you.", command: `hub privacy transfer export ${t.id} as=EMAIL to=KEYS file=business.hub` };
    case "expected": return { why: "Give the key above to the other hub. Its export is checked whole before anything is written; the hub must not serve meanwhile.", command: `hub privacy transfer import ${t.id} as=EMAIL from=SENDER_KEY file=business.hub` };
    default: return undefined;
  }
}

type Receipt = components["schemas"]["TransferReceipt"];

function receipt(text: string): Receipt {
  try {
    return JSON.parse(text) as Receipt;
  } catch {
    throw new Problem(422, { detail: "This is no receipt. Paste the whole file that the other hub wrote." });
  }
}

const deeds: readonly Deed<Transfer>[] = [
  {
    name: "Take the receipt", kind: "primary", text: "The other hub writes it when it has reached the same state. Its signature is checked.", when: (t) => t.state === "exported", done: "Receipt checked",
    fields: [{ name: "receipt", label: "Receipt", kind: "area", hint: "The content of the file, as it is." }],
    send: (t, v, key) => client.POST("/privacy/transfers/{id}/complete", { ...keyed(t.id, key), body: receipt(v.receipt!) }),
  },
  {
    name: "Destroy what was handed over", kind: "danger", text: "The keys of everything that went are destroyed here, for good. Somebody else than who made the export has to do it. The certificate is downloaded.", when: (t) => t.state === "completed", done: "Keys destroyed",
    send: async (t, _, key) => {
      const reply = await client.POST("/privacy/transfers/{id}/shred", { ...keyed(t.id, key), parseAs: "blob" });
      if (reply.data) save(reply.data, `shredding-${t.id.slice(0, 8)}.zip`);
      return reply;
    },
  },
];
