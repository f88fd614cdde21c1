import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { client } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { queryClient } from "../api/queries";
import { command } from "../state/act";
import { ErrorState } from "../ui/states";
import { toast } from "../ui/toast";
import { OpsPage } from "./OpsPage";

/** Where a mailbox's provider sends the browser back to: what it brought is handed to the hub once. */
export function ConnectedPage() {
  const { state = "", code = "", error = "" } = useSearch({ strict: false });
  const navigate = useNavigate();
  const begun = useRef(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    if (begun.current || error) return;
    begun.current = true;
    command((key) => client.POST("/mailboxes/connect", { headers: { "Idempotency-Key": key }, body: { state, code } })).then(() => {
      toast("Mailbox connected");
      void queryClient.invalidateQueries({ queryKey: ["mailboxes"] });
      void navigate({ to: "/ops/mail", replace: true });
    }, (e: unknown) => setProblem(asProblem(e)));
  }, [state, code, error, navigate]);
  const back = (): void => void navigate({ to: "/ops/mail", replace: true });
  return (
    <OpsPage title="Connect a mailbox" intro="The provider was asked to let the hub read and send mail for this mailbox.">
      {problem ? <ErrorState what="The mailbox was not connected" problem={problem} onRetry={back} />
        : error ? <p role="alert" className="rounded-sm bg-danger-soft px-3 py-2 text-danger">The provider said no ({error}). <Link to="/ops/mail" className="underline">Back to the mail routes</Link></p>
        : <p role="status" className="text-muted">Connecting</p>}
    </OpsPage>
  );
}
