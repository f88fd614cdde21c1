import { useQuery } from "@tanstack/react-query";
import { everybodyQuery } from "../api/queries";
import { readable } from "../text/words";

/** Says who an agent is; an id that nobody has any more by its beginning. */
export function useAgentName(): (id: string) => string {
  const all = useQuery(everybodyQuery).data ?? [];
  return (id) => all.find((a) => a.id === id)?.name ?? `Agent ${id.slice(0, 8)}`;
}

/** Says who did something: "agent:0f3c…" is a colleague, "customer:…" the person, anything else the hub. */
export function useActorName(): (actor: string) => string {
  const agent = useAgentName();
  return (actor) => {
    const [kind = "", id = ""] = actor.split(/:(.*)/s);
    if (kind === "agent") return agent(id);
    if (kind === "customer" || kind === "requester") return "The person";
    return id ? `The hub (${readable(id).toLowerCase()})` : readable(actor);
  };
}
