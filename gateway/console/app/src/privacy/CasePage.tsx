import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { client, keyed } from "../api/client";
import { asProblem } from "../api/problem";
import { Card, Waiting } from "../ops/OpsPage";
import { command } from "../state/act";
import { useMe } from "../state/me";
import { useAgentName } from "../state/people";
import { exactTime, fullDate, shortTime, whenWords } from "../text/time";
import { plural, readable } from "../text/words";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";
import { When } from "../ui/when";
import { type Deed, Deeds, filled } from "./Deeds";
import { Facts, Heading, Office, Steps, Table } from "./Frame";
import { About } from "./Person";
import { again, type Case, caseQuery } from "./queries";
import { caseKinds, caseOutcomes } from "./words";

/** One case: who may read its file and until when, who did, and the file itself once one is let in. */
export function CasePage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const me = useMe();
  const agent = useAgentName();
  const query = useQuery(caseQuery(id));
  const c = query.data?.item;
  if (!query.data || !c) return <Office title="Case"><Waiting what="The case" of={[query]} /></Office>;
  const granted = c.granted ?? [];
  const mine = granted.find((g) => g.agent === me.id && Date.parse(g.until) > Date.now());
  return (
    <Office title={`${caseKinds.find(([k]) => k === c.kind)?.[1] ?? "Case"} case`} intro="Its words are sealed apart from the requests. Whoever asks is let in by somebody else, and each reading is noted.">
      <Card className="flex shrink-0 flex-col gap-4 p-4">
        <Facts rows={[
          ["State", c.state === "open" ? <Chip key="s" tone="info">Open</Chip> : <Chip key="s">{caseOutcomes.find(([k]) => k === c.outcome)?.[1] ?? readable(c.outcome ?? "Closed")}</Chip>],
          ["About", (c.subjects ?? []).length + (c.tickets ?? []).length > 0 && <About key="a" scope={{ subjects: c.subjects, tickets: c.tickets }} />],
          ["Opened by", agent(c.by)], [c.state === "open" ? "Ends" : "Ended", fullDate(c.state === "open" ? c.until : c.updated_at)], ["Clause", c.clause],
          ["File", `${plural(c.notes, "entry", "entries")}, read ${plural(c.read, "time")}`],
        ]} />
        <Deeds of={c} deeds={deedsFor(me.id, agent)} me={me.id} />
      </Card>
      {granted.length + (c.asked ?? []).length > 0 && (
        <>
          <Heading>Who may read it</Heading>
          <Table name="Who may read it" head={[["Who"], ["State"], ["Why"], ["Until"]]}>
            {(c.asked ?? []).map((a) => <Row key={`asked-${a.agent}`} who={agent(a.agent)} state={<Chip tone="warn" className="max-w-56">Asks to be let in</Chip>} why={a.reason} until={a.until} />)}
            {granted.map((a) => <Row key={`granted-${a.agent}`} who={agent(a.agent)} state={Date.parse(a.until) > Date.now() ? <Chip tone="ok" className="max-w-56">Let in by {agent(a.approved_by ?? "")}</Chip> : <Chip>Over</Chip>} why={a.reason} until={a.until} />)}
          </Table>
        </>
      )}
      <Heading>File</Heading>
      <File case={c} mine={!!mine} />
      <Steps steps={query.data.steps} />
    </Office>
  );
}

const Row = ({ who, state, why, until }: { who: string; state: React.ReactNode; why?: string; until: string }) => (
  <tr className="border-b border-line last:border-0"><th scope="row" className="px-4 py-2 text-start font-label">{who}</th><td className="px-4 py-2">{state}</td><td className="px-4 py-2 text-muted">{why ? readable(why) : "–"}</td><td className="px-4 py-2 text-muted"><time dateTime={until} title={exactTime(until)}>{whenWords(until)}</time></td></tr>
);

function File({ case: c, mine }: { case: Case; mine: boolean }) {
  const agent = useAgentName();
  const read = useMutation({
    mutationFn: () => command((key) => client.POST("/privacy/cases/{id}/read", keyed(c.id, key))).then((a) => a.data.items),
    onSuccess: again,
  });
  if (!read.data) {
    return (
      <Card className="flex shrink-0 flex-wrap items-center gap-3 p-4">
        <p role={read.isError ? "alert" : undefined} className="min-w-0 flex-1 text-muted">{read.isError ? asProblem(read.error).message : mine ? "Sealed. That you open it is noted." : "Sealed. Ask to be let in; a second person decides."}</p>
        <Button kind="primary" disabled={read.isPending} reason={mine ? undefined : "A second person has to let you in first."} onClick={() => read.mutate()}>Read the file</Button>
      </Card>
    );
  }
  return (
    <Card className="shrink-0">
      <ol>
        {read.data.map((e) => (
          <li key={e.at} className="border-b border-line px-4 py-3 last:border-0">
            <p className="flex items-baseline gap-3"><span className="min-w-0 flex-1 font-strong break-words">{e.title || "Entry"}</span><span className="text-muted">{agent(e.agent)}</span><When at={e.at} say={shortTime} className="text-chip text-subtle" /></p>
            {e.text && <p className="mt-1 max-w-[72ch] break-words whitespace-pre-wrap">{e.text}</p>}
          </li>
        ))}
      </ol>
    </Card>
  );
}

const open = (c: Case): boolean => c.state === "open";
const reasons = [["handling", "I work on this case"], ["review", "I look it over"], ["legal", "A lawyer or court asks"]] as const;
const days = [["1", "One day"], ["3", "Three days"], ["7", "A week"]] as const;

const deedsFor = (me: string, agent: (id: string) => string): readonly Deed<Case>[] => [
  {
    name: "Let somebody in", kind: "primary", text: "You are the second person: they may read the file until the time they asked for.", done: "Let in",
    when: (c) => open(c) && (c.asked ?? []).length > 0,
    reason: (c) => ((c.asked ?? []).every((a) => a.agent === me) ? "Somebody else has to let you in." : undefined),
    fields: (c) => [{ name: "agent", label: "Who", kind: "choice", choices: (c.asked ?? []).filter((a) => a.agent !== me).map((a) => [a.agent, agent(a.agent)] as const) }],
    send: (c, v, key) => client.POST("/privacy/cases/{id}/grant", { ...keyed(c.id, key), body: { agent: v.agent! } }),
  },
  {
    name: "Ask to be let in", text: "Say why, and for how long. Somebody else decides.", when: open, done: "Asked",
    fields: [{ name: "reason", label: "Because", kind: "choice", choices: reasons }, { name: "days", label: "For", kind: "choice", choices: days }],
    send: (c, v, key) => client.POST("/privacy/cases/{id}/ask", { ...keyed(c.id, key), body: { reason: v.reason!, until: new Date(Date.now() + Number(v.days) * 86_400_000 - 60_000).toISOString() } }),
  },
  { name: "Add an entry", text: "It is sealed in the file.", fields: [{ name: "title", label: "Title" }, { name: "text", label: "Text", kind: "area" }], when: open, done: "Added to the file", send: (c, v, key) => client.POST("/privacy/cases/{id}/note", { ...keyed(c.id, key), body: filled(v) }) },
  { name: "Extend by a month", text: "The case goes on for one more month.", when: open, done: "Extended", reason: (c) => (c.by === me ? "You opened the case. Somebody else has to extend it." : undefined), send: (c, _, key) => client.POST("/privacy/cases/{id}/extend", { ...keyed(c.id, key), body: {} }) },
  {
    name: "Close", kind: "danger", text: "Say what came of it. A rule that was enforced is named.", when: open, done: "Closed",
    fields: [{ name: "outcome", label: "Outcome", kind: "choice", choices: caseOutcomes }, { name: "clause", label: "Clause of the policy", hint: "When a rule was enforced, such as 1.4.", optional: true }],
    send: (c, v, key) => client.POST("/privacy/cases/{id}/close", { ...keyed(c.id, key), body: filled(v) }),
  },
];
