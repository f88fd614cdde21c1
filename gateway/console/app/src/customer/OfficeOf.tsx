import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { call, client } from "../api/client";
import type { Customer } from "../api/types";
import { Card, Waiting } from "../ops/OpsPage";
import { ScopeTable } from "../privacy/ErasurePart";
import { FileRow, Heading } from "../privacy/Frame";
import { officeOfQuery } from "../privacy/queries";
import { groundName, holdState, holdTones, kindName, requestState } from "../privacy/words";
import { fullDate } from "../text/time";
import { plural, readable } from "../text/words";
import { Button } from "../ui/button";
import { Chip } from "../ui/chip";

const look = "text-accent-text hover:underline";

/** What the privacy office has on file about a person, and what an erasure would cover now. */
export function OfficeOf({ customer: c }: { customer: Customer }) {
  const query = useQuery(officeOfQuery(c));
  const [preview, setPreview] = useState(false);
  const scope = useQuery({
    queryKey: ["privacy", "preview", c.id], enabled: preview,
    queryFn: ({ signal }) => call(client.GET("/privacy/customers/{id}/erasure", { signal, params: { path: { id: c.id } } })).then((a) => a.data),
  });
  const data = query.data;
  return (
    <>
      <Heading>Privacy</Heading>
      {!data ? <Waiting what="The files of the privacy office" of={[query]} /> : (
        <Card className="shrink-0">
          <ul>
            {data.requests.length + data.holds.length + data.given.length === 0 && <li className="px-4 py-3 text-muted">No request, no hold, and nothing was given to anybody.</li>}
            {data.requests.map((r) => {
              const [state, tone] = requestState(r);
              return <FileRow key={r.id} link={<Link to="/office/requests/$id" params={{ id: r.id }} className={look}>{kindName(r.kind)} request</Link>} chip={<Chip tone={tone} className="max-w-full">{state}</Chip>}>Received {fullDate(r.received_at)}{r.outcome ? "" : `, due ${fullDate(r.extended ? r.extended_due : r.due)}`}.</FileRow>;
            })}
            {data.holds.map((h) => <FileRow key={h.id} link={<Link to="/office/holds/$id" params={{ id: h.id }} className={look}>Hold: {groundName(h.ground ?? "")}</Link>} chip={<Chip tone={h.pending ? "warn" : holdTones[h.state]} className="max-w-full">{holdState(h)}</Chip>}>{plural(h.keys, "piece of data", "pieces of data")}, review {fullDate(h.review)}.</FileRow>)}
            {data.given.map((d, i) => <FileRow key={i} link={`Given to ${d.recipient}`} chip={d.refused && <Chip tone="danger">Refused</Chip>}>{readable(d.purpose)}, {fullDate(d.at)}.</FileRow>)}
          </ul>
        </Card>
      )}
      {!c.erased && !preview && <div><Button onClick={() => setPreview(true)}>What an erasure would cover</Button></div>}
      {preview && (scope.data ? (
        <>
          <p className="text-muted">Now, an erasure would cover {plural(scope.data.streams, "record")}. Nothing is written by looking.</p>
          <ScopeTable scope={scope.data} name="What an erasure would cover" />
        </>
      ) : <Waiting what="The preview" of={[scope]} />)}
    </>
  );
}
