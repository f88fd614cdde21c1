import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { client, keyed } from "../api/client";
import { Card } from "../ops/OpsPage";
import { attempt, command } from "../state/act";
import { exactTime, fullDate } from "../text/time";
import { count, plural } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { Button, download } from "../ui/button";
import { Chip } from "../ui/chip";
import { Heading, Table } from "./Frame";
import { again, type Erasure, type ErasureScope, type PrivacyRequest, registryQuery } from "./queries";
import { groundName, phaseNames, phaseTones } from "./words";

const pieces = (n: number): string => plural(n, "piece of data", "pieces of data");
const sum = (s: ErasureScope | undefined, pick: "live" | "held" | "exempt"): number => (s?.counts ?? []).reduce((n, c) => n + c[pick], 0);

/** The erasure of a request: what goes, what stays and why, what was destroyed and how far that is proved. */
export function ErasurePart({ request: r, erasure: e }: { request: PrivacyRequest; erasure: Erasure }) {
  const [ask, setAsk] = useState(false);
  const scope = e.scope;
  const held = sum(scope, "held");
  const act = (path: "approve" | "recheck" | "acknowledge", body: { digest?: string; recipient?: string } = {}) => command((key) => client.POST(`/privacy/requests/{id}/erasure/${path}`, { ...keyed(r.id, key), body }));
  return (
    <>
      <Heading>Erasure</Heading>
      <Card className="flex shrink-0 flex-col gap-4 p-4">
        <div className="flex flex-wrap items-center gap-3">
          <Chip tone={phaseTones[e.phase]} className="max-w-72">{phaseNames[e.phase]}</Chip>
          {scope && !e.destroyed && <span className="text-muted">{pieces(sum(scope, "live"))} in {plural(scope.streams, "record")} will go{held > 0 && `, ${count(held)} are held back by a hold`}.</span>}
          {e.destroyed && <span className="text-muted">{plural(e.destroyed.keys, "key")} destroyed {exactTime(e.destroyed.at)}.</span>}
        </div>
        {(e.phase === "approving" || e.phase === "deferred" || e.phase === "verification_failed" || e.certified) && (
          <div className="flex flex-wrap gap-2">
            {e.phase === "approving" && scope && <Button kind="danger" onClick={() => setAsk(true)}>Approve the erasure…</Button>}
            {(e.phase === "deferred" || e.phase === "verification_failed") && <Button onClick={() => attempt(act("recheck"), "Searched again", again)}>Search again</Button>}
            {e.certified && <a href={`/api/v1/privacy/requests/${r.id}/certificate`} download={`erasure-${r.id.slice(0, 8)}.json`} className={download}><Download className="size-4" aria-hidden />Certificate</a>}
          </div>
        )}
      </Card>
      {scope && scope.counts.length > 0 && <ScopeTable scope={scope} name={e.destroyed ? "What went" : "What will go"} />}
      {e.exempt.length > 0 && (
        <Table name="What stays by law" head={[["Class"], ["Keys", "text-end"], ["Ground"], ["Article"]]}>
          {e.exempt.map((x) => <tr key={x.class + x.article} className="border-b border-line last:border-0"><th scope="row" className="px-4 py-2 text-start font-mono text-chip">{x.class}</th><td className="tnum px-4 py-2 text-end">{count(x.keys)}</td><td className="px-4 py-2">{groundName(x.ground)}</td><td className="px-4 py-2 text-muted">{x.article}</td></tr>)}
        </Table>
      )}
      <Recipients list={e.recipients.map((x) => ({ id: x.id, mailed: x.told === "mail", done: x.answered }))} onDone={(recipient) => attempt(act("acknowledge", { recipient }), "Noted that they did it", again)} />
      {e.verification && <Found erasure={e} />}
      {ask && scope && (
        <AskDialog danger title="Approve the erasure?" act="Erase" onClose={() => setAsk(false)}
          text={`The keys of ${pieces(sum(scope, "live"))} are destroyed. There is no way back. Numbers, times and statistics of the requests stay.`}
          onAct={async () => { await act("approve", { digest: scope.digest }); again(); }} />
      )}
    </>
  );
}

interface Told { id: string; mailed: boolean; done: boolean }

/** Who had the data, was told what changed, and said that they did it too (GDPR article 19). */
export function Recipients({ list, onDone }: { list: readonly Told[]; onDone: (id: string) => void }) {
  if (list.length === 0) return null;
  return (
    <Table name="Who had the data and was told" head={[["Recipient"], ["Told"], ["Answer"]]}>
      {list.map((x) => (
        <tr key={x.id} className="border-b border-line last:border-0">
          <th scope="row" className="px-4 py-2 text-start font-label">{x.id}</th>
          <td className="px-4 py-2 text-muted">{x.mailed ? "By mail" : "To be told by you"}</td>
          <td className="px-4 py-2">{x.done ? <Chip tone="ok">Done there too</Chip> : <Button onClick={() => onDone(x.id)}>They did it</Button>}</td>
        </tr>
      ))}
    </Table>
  );
}

/** What an erasure covers, by kind of data. */
export function ScopeTable({ scope, name }: { scope: ErasureScope; name: string }) {
  const titles = new Map(useQuery(registryQuery).data?.categories.map((c) => [c.id, c.title]));
  return (
    <Table name={name} head={[["Kind of data"], ["Class"], ["Goes", "text-end"], ["Held", "text-end"], ["Exempt", "text-end"]]}>
      {scope.counts.map((c) => (
        <tr key={c.category + c.class} className="border-b border-line last:border-0">
          <th scope="row" className="px-4 py-2 text-start font-label">{titles.get(c.category) ?? c.category}{titles.has(c.category) && <span className="ms-2 font-mono text-chip font-normal text-subtle">{c.category}</span>}</th><td className="px-4 py-2 font-mono text-chip text-muted">{c.class}</td>
          {[c.live, c.held, c.exempt].map((n, i) => <td key={i} className="tnum px-4 py-2 text-end">{count(n)}</td>)}
        </tr>
      ))}
    </Table>
  );
}

const levels: Record<string, string> = { V1: "Removed", V2: "Keys destroyed", V3: "No residue found", V4: "Gone from backups", V5: "Gone from the disk", V6: "Recipients confirmed" };

function Found({ erasure: e }: { erasure: Erasure }) {
  const v = e.verification!;
  const level = (l: (typeof v.stores)[number]): string => {
    const now = l.level ? `${l.level}, ${(levels[l.level] ?? "").toLowerCase()}` : "None yet";
    return l.pending ? `${now}; then ${l.pending}${l.by ? ` by ${fullDate(l.by)}` : ""}` : now;
  };
  return (
    <>
      <p className="text-muted">{plural(v.needles, "name, address or phrase", "names, addresses and phrases")} looked for in {plural(v.files, "file")}: {v.hits === 0 ? "none found" : <strong className="text-danger">{plural(v.hits, "hit")}</strong>}. Somebody who was not erased was {v.control === "found" ? "found, so the search sees" : "not found, so the search proves nothing"}.</p>
      <Table name="Where it rested" head={[["Store"], ["Level reached"]]}>
        {v.stores.map((s) => <tr key={s.store} className="border-b border-line last:border-0"><th scope="row" className="px-4 py-2 text-start font-mono text-chip">{s.store}</th><td className="px-4 py-2">{level(s)}</td></tr>)}
      </Table>
    </>
  );
}
