import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asProblem } from "../api/problem";
import { Card } from "../ops/OpsPage";
import { Button } from "../ui/button";
import { Facts, Heading } from "./Frame";
import { matterQuery } from "./queries";

/** What a matter is about. Opening it is noted, so it opens when asked to. */
export function MatterPart({ list, id }: { list: "holds" | "disclosures"; id: string }) {
  const [open, setOpen] = useState(false);
  const query = useQuery({ ...matterQuery(list, id), enabled: open });
  const m = query.data;
  return (
    <>
      <Heading>Matter</Heading>
      <Card className="shrink-0 p-4">
        {m ? <Facts rows={[["Title", m.title], ["Authority", m.authority], ["Reference", m.reference], ["Text", m.text && <span key="t" className="whitespace-pre-wrap">{m.text}</span>]]} />
          : (
            <div className="flex flex-wrap items-center gap-3">
              <p className="min-w-0 flex-1 text-muted">{query.isError ? asProblem(query.error).message : "Sealed. Opening it is noted in the access log."}</p>
              <Button disabled={query.isFetching} onClick={() => (open ? void query.refetch() : setOpen(true))}>Open the matter</Button>
            </div>
          )}
      </Card>
    </>
  );
}
