import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { customerQuery } from "../api/queries";
import { plural, personName } from "../text/words";
import type { Scope } from "./queries";

const look = "text-accent-text hover:underline";

/** A customer by name, as the customers' view has it, and the way to their page. */
export function Person({ id }: { id: string }) {
  const c = useQuery({ ...customerQuery(id), retry: false }).data;
  return <Link to="/customers/$id" params={{ id }} className={look}>{c ? personName(c, c.erased) : <span className="font-mono text-chip">{id.slice(0, 8)}</span>}</Link>;
}

/** People and requests that something is about. */
export function About({ scope: s }: { scope: Scope }) {
  const people = s.subjects ?? [];
  const tickets = s.tickets ?? [];
  return (
    <ul className="flex flex-wrap gap-x-3">
      {people.slice(0, 20).map((id) => <li key={id}><Person id={id} /></li>)}
      {tickets.slice(0, 20).map((id) => <li key={id}><Link to="/t/$ticket" params={{ ticket: id }} className={look}>Request <span className="font-mono text-chip">{id.slice(0, 8)}</span></Link></li>)}
      {people.length + tickets.length > 40 && <li className="text-muted">and more</li>}
      {s.query && <li className="text-muted">found by “{s.query}”</li>}
    </ul>
  );
}

export const scopeWords = (s: Scope): string =>
  [(s.subjects ?? []).length && plural(s.subjects!.length, "person", "people"), (s.tickets ?? []).length && plural(s.tickets!.length, "request")].filter(Boolean).join(" and ") || "What a search found";
