import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { client, keyed } from "../api/client";
import { Card, Waiting } from "../ops/OpsPage";
import { useMe } from "../state/me";
import { useAgentName } from "../state/people";
import { fullDate } from "../text/time";
import { count, plural } from "../text/words";
import { Chip } from "../ui/chip";
import { type Deed, Deeds } from "./Deeds";
import { Facts, Office, Steps } from "./Frame";
import { MatterPart } from "./MatterPart";
import { About } from "./Person";
import { type Hold, holdQuery } from "./queries";
import { groundName, holdState, holdTones } from "./words";

/** One hold: what it keeps and why, and what two persons may do with it. */
export function HoldPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const me = useMe();
  const agent = useAgentName();
  const query = useQuery(holdQuery(id));
  const h = query.data?.item;
  if (!query.data || !h) return <Office title="Legal hold"><Waiting what="The hold" of={[query]} /></Office>;
  return (
    <Office title="Legal hold" intro="One person proposes, another agrees: placing it, a later review, and its end.">
      <Card className="flex shrink-0 flex-col gap-4 p-4">
        <Facts rows={[
          ["State", <Chip key="s" tone={h.pending ? "warn" : holdTones[h.state]} className="max-w-72">{holdState(h)}</Chip>],
          ["Ground", groundName(h.ground ?? "")],
          ["About", <About key="a" scope={h.scope} />],
          ["Keeps", `${plural(h.keys, "piece of data", "pieces of data")}${h.missing > 0 ? `; ${count(h.missing)} had gone before` : ""}`],
          ["Destroyed at its end", h.destroyed_on_release > 0 && plural(h.destroyed_on_release, "piece of data", "pieces of data")],
          ["Review", <span key="r" className={h.overdue ? "text-danger" : ""}>{h.overdue ? "Was due" : "Due"} {fullDate(h.review)}</span>],
          ["Placed by", h.by && agent(h.by)], ["Agreed to by", h.approved_by && agent(h.approved_by)],
          ["Proposed by", waits(h) && h.proposed_by && h.proposed_by !== h.by ? agent(h.proposed_by) : ""],
        ]} />
        <Deeds of={h} deeds={deeds} me={me.id} />
      </Card>
      <MatterPart list="holds" id={h.id} />
      <Steps steps={query.data.steps} />
    </Office>
  );
}

const waits = (h: Hold): boolean => h.state === "proposed" || !!h.pending;
const own = (h: Hold, me: string): string | undefined => (h.proposed_by === me ? "What is proposed comes from you. Somebody else has to agree." : undefined);
const inForce = (h: Hold): boolean => h.state === "placed" && !h.pending;
const what: Record<string, string> = { place: "What it covers is kept until the hold is released.", extend: "The review moves to the later day.", release: "What is past its date, or waits to be erased, is destroyed when no other hold keeps it." };

const deeds: readonly Deed<Hold>[] = [
  { name: "Agree", kind: "primary", text: "You are the second person. What was proposed takes effect at once.", when: waits, reason: own, done: "Agreed", send: (h, _, key) => client.POST("/privacy/holds/{id}/agree", { ...keyed(h.id, key), body: {} }) },
  { name: "Decline", kind: "ghost", text: "What was proposed does not happen.", when: waits, done: "Declined", send: (h, _, key) => client.POST("/privacy/holds/{id}/decline", { ...keyed(h.id, key), body: {} }) },
  { name: "Propose a later review", text: what.extend!, fields: [{ name: "review", label: "Look at it again on", kind: "date" }], when: inForce, done: "Later review proposed", send: (h, v, key) => client.POST("/privacy/holds/{id}/extend", { ...keyed(h.id, key), body: { review: `${v.review}T12:00:00Z` } }) },
  { name: "Propose its end", text: what.release!, when: inForce, done: "Release proposed", send: (h, _, key) => client.POST("/privacy/holds/{id}/release", { ...keyed(h.id, key), body: {} }) },
];
