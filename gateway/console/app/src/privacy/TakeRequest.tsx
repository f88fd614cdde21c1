import { useNavigate } from "@tanstack/react-router";
import { client } from "../api/client";
import { customerOf } from "../api/resolve";
import { command } from "../state/act";
import { AskDialog } from "../ui/AskDialog";
import { filled } from "./Deeds";
import { again } from "./queries";
import { kindChoices } from "./words";

/** Takes what a person asks about their data; of a known person when their page is where it begins. */
export function TakeRequest({ customer, onClose }: { customer?: string; onClose: () => void }) {
  const navigate = useNavigate();
  return (
    <AskDialog title="Take a request" text="Note who asks and for what. The person is asked to prove that the address is theirs before anything is told or changed."
      fields={[
        { name: "kind", label: "They ask for", kind: "choice", choices: kindChoices },
        ...(customer ? [] : [{ name: "who", label: "Customer", hint: "The number of a request of theirs, or the address they write from." }]),
        { name: "ground", label: "Ground they give", optional: true },
        { name: "text", label: "In their words", kind: "area" as const, optional: true },
      ]}
      act="Take the request" onClose={onClose}
      onAct={async ({ kind, who = "", ...more }) => {
        const id = customer ?? await customerOf(who);
        const a = await command((key) => client.POST("/privacy/requests", { headers: { "Idempotency-Key": key }, body: { channel: "agent", kind: kind as "access", customer: id, ...filled(more) } }));
        again();
        void navigate({ to: "/office/requests/$id", params: { id: a.data.id } });
      }} />
  );
}
