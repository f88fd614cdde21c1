import { useQuery } from "@tanstack/react-query";
import { Eye } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../api/problem";
import { shortTime } from "../text/time";
import { count, readable } from "../text/words";
import { Button } from "../ui/button";
import { EmptyState } from "../ui/states";
import { When } from "../ui/when";
import { Office, Table, Waiting } from "./Frame";
import { accessQuery } from "./queries";
import { actorName } from "./words";

/** Who opened personal data, as what and what for. */
export function AccessPage() {
  const [pages, setPages] = useState(1);
  const query = useQuery(accessQuery(pages));
  const data = query.data;
  return (
    <Office title="Access log" intro="Each opening of sealed data, by whom and for what purpose. Refusals stand here too.">
      {!data ? <Waiting what="The access log" problem={query.isError ? asProblem(query.error) : null} onRetry={() => void query.refetch()} />
        : data.items.length === 0 ? <div className="flex-1"><EmptyState icon={<Eye />} title="Nothing was opened yet" /></div>
        : (
          <>
            <Table name="Openings" head={[["Who"], ["As"], ["For"], ["Opened", "text-end"], ["Denied", "text-end"], ["When", "text-end"]]}>
              {data.items.map((l) => (
                <tr key={l.n} className="border-b border-line last:border-0">
                  <th scope="row" className="px-4 py-2 text-start font-label">{actorName(l.actor)}{l.second && <span className="font-normal text-muted"> with {actorName(l.second)}</span>}</th>
                  <td className="px-4 py-2 text-muted">{readable(l.role)}</td><td className="px-4 py-2">{readable(l.purpose)}{l.matter && <span className="font-mono text-chip text-muted"> {l.matter.slice(0, 8)}</span>}</td>
                  <td className="tnum px-4 py-2 text-end">{count(l.opened)}</td><td className={`tnum px-4 py-2 text-end ${l.denied > 0 ? "text-danger" : ""}`}>{count(l.denied)}</td>
                  <td className="px-4 py-2 text-end"><When at={l.at} say={shortTime} className="text-chip text-subtle" /></td>
                </tr>
              ))}
            </Table>
            {data.next && <div className="text-center"><Button kind="ghost" disabled={query.isFetching} onClick={() => setPages((p) => p + 1)}>Show older</Button></div>}
          </>
        )}
    </Office>
  );
}
