import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { client, keyed } from "../api/client";
import { Card, Waiting } from "../ops/OpsPage";
import { attempt, command } from "../state/act";
import { useMe } from "../state/me";
import { fullDate } from "../text/time";
import { Chip } from "../ui/chip";
import { type Deed, Deeds, filled } from "./Deeds";
import { ErasurePart, Recipients } from "./ErasurePart";
import { Facts, Office, Steps } from "./Frame";
import { Person } from "./Person";
import { again, erasureQuery, type PrivacyRequest, requestQuery } from "./queries";
import { channelWords, doubtReasons, extensionGrounds, kindName, refusalGrounds, requestState, restrictionGrounds } from "./words";

/** One request: what is asked, what will go, what was done, and what can be done next. */
export function RequestPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const me = useMe();
  const query = useQuery(requestQuery(id));
  const r = query.data?.item;
  const erasure = useQuery({ ...erasureQuery(id), enabled: r?.kind === "erasure" }).data;
  if (!query.data || !r) return <Office title="Request"><Waiting what="The request" of={[query]} /></Office>;
  const [state, tone] = requestState(r);
  return (
    <Office title={`${kindName(r.kind)} request`} intro="Each step is written to the log with who did it. What concerns other people is never part of it.">
      <Card className="flex shrink-0 flex-col gap-4 p-4">
        <Facts rows={[
          ["State", <Chip key="s" tone={tone} className="max-w-72">{state}</Chip>],
          ["Person", <Person key="p" id={r.customer} />],
          ["Who asks", r.verified ? "Proved" : r.doubted ? "In doubt. The clock stands until it is proved." : "Not proved yet. They were asked to use the link in their mailbox."],
          ["Received", `${fullDate(r.received_at)}, ${channelWords(r.channel)}${r.acknowledged ? ", confirmed to them" : ""}`],
          ["Due", r.outcome ? "" : `${fullDate(r.extended ? r.extended_due : r.due)}${r.extended ? ", extended" : ""}`],
          ["Law", r.law.toUpperCase()], ["Ground", r.ground],
          ["Copy", r.expires ? `${r.fetched ? "Fetched" : "Not fetched yet"}, the link ends ${fullDate(r.expires)}` : ""],
          ["About", r.ticket && <Link key="t" to="/t/$ticket" params={{ ticket: r.ticket }} className="text-accent-text underline">a request of theirs</Link>],
        ]} />
        <Deeds of={r} deeds={deeds} me={me.id} />
      </Card>
      {erasure && <ErasurePart request={r} erasure={erasure} />}
      {r.kind !== "erasure" && (
        <Recipients list={(r.told ?? []).map((x) => ({ id: x.recipient, mailed: x.method === "mail", done: x.confirmed }))}
          onDone={(recipient) => attempt(command((key) => client.POST("/privacy/requests/{id}/confirm", { ...keyed(r.id, key), body: { recipient } })), "Noted that they did it", again)} />
      )}
      <Steps steps={query.data.steps} />
    </Office>
  );
}

type Path = "verify" | "doubt" | "extend" | "refuse" | "export" | "rectify" | "restrict" | "lift" | "object" | "decide" | "withdraw";

const open = (r: PrivacyRequest): boolean => !r.outcome;
const proved = (r: PrivacyRequest, ...kinds: string[]): boolean => open(r) && r.verified && kinds.includes(r.kind);

const deed = (path: Path, d: Omit<Deed<PrivacyRequest>, "send">): Deed<PrivacyRequest> => ({
  ...d,
  send: (r, { upheld, ...v }, key) => client.POST(`/privacy/requests/{id}/${path}`, { ...keyed(r.id, key), body: { ...filled(v), ...(upheld && { upheld: true }) } }),
});

const deeds: readonly Deed<PrivacyRequest>[] = [
  deed("verify", { name: "Confirm who asks", kind: "primary", text: "Only when you are sure: in person, or by a call to a number on file. Otherwise the link in their mailbox decides.", fields: [{ name: "method", label: "How it was proved", kind: "choice", choices: [["desk", "In person or by phone"], ["reply", "By a reply from the address on file"]] }], when: (r) => open(r) && !r.verified }),
  deed("doubt", { name: "Doubt who asks", text: "The clock stops until they prove who they are. Use it only for a reason that you could tell a court.", fields: [{ name: "reason", label: "Because", kind: "choice", choices: doubtReasons }], when: (r) => open(r) && !r.doubted }),
  deed("export", { name: "Make the export", kind: "primary", text: "A sealed package: their data as JSON, their mail as mbox, the files, who received what and how long it is kept. Other people are masked. The link works once.", when: (r) => proved(r, "access", "portability") }),
  deed("rectify", { name: "Correct", kind: "primary", text: "The new contact is sealed under a new key, the old key is destroyed.", fields: [{ name: "name", label: "Name", optional: true }, { name: "address", label: "Address", optional: true }], when: (r) => proved(r, "rectification") }),
  deed("restrict", { name: "Restrict", kind: "primary", text: "Agents no longer see this person's words, and nothing is sent, until it is lifted.", fields: [{ name: "ground", label: "Because", kind: "choice", choices: restrictionGrounds }], when: (r) => proved(r, "restriction", "objection") }),
  deed("object", { name: "Record the objection", text: "An objection to marketing ends it at once. Against anything else, the use rests until you decide.", fields: [{ name: "ground", label: "Against", kind: "choice", choices: [["marketing", "Marketing"], ["d", "Another use of their data"]] }], when: (r) => proved(r, "objection") }),
  deed("decide", { name: "Decide the objection", kind: "primary", text: "Upheld, the use stays at rest. Rejected, the person is told why, and then the use goes on.", fields: [{ name: "upheld", label: "Decision", kind: "choice", choices: [["yes", "Upheld"], ["", "Rejected"]] }, { name: "ground", label: "Ground of a rejection", kind: "choice", choices: refusalGrounds, optional: true }], when: (r) => proved(r, "objection") }),
  deed("lift", { name: "Lift the restriction", text: "The person is told before it is lifted.", when: (r) => r.kind === "restriction" && r.verified }),
  deed("extend", { name: "Extend", text: "Two more months, when the request is complex. The person is told why.", fields: [{ name: "ground", label: "Because", kind: "choice", choices: extensionGrounds }], when: (r) => open(r) && !r.extended }),
  deed("refuse", { name: "Refuse", text: "The person is told the ground and where to complain.", kind: "danger", fields: [{ name: "ground", label: "Ground", kind: "choice", choices: refusalGrounds }, { name: "article", label: "Article", hint: "The one that allows it, such as 12(5)(b) or 17(3)(e)." }], when: open }),
  deed("withdraw", { name: "Withdraw", text: "Because the person took it back.", kind: "ghost", when: open }),
];
