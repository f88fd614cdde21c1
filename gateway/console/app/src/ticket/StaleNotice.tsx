import { CircleAlert } from "lucide-react";
import type { Message, Ticket } from "../api/types";
import { ago } from "../text/time";
import { firstName, personName } from "../text/words";
import { Button } from "../ui/button";
import { useNow } from "../ui/when";

interface StaleProps { messages: Message[]; customer: Ticket["customer"]; onRead: () => void; onAnyway: () => void }

/** The reply was refused because something arrived that the agent had not seen. */
export function StaleNotice({ messages, customer, onRead, onAnyway }: StaleProps) {
  const now = useNow(5000);
  const last = messages[messages.length - 1];
  const who = last ? firstName(personName(last.agent ?? last.from)) : firstName(personName(customer));
  const verb = last?.kind === "note" ? "added a note" : last?.kind === "reply" ? "answered" : "wrote again";
  return (
    <div role="alert" className="mb-2 flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md border border-warn/30 bg-warn-soft px-3 py-2">
      <CircleAlert className="size-4 shrink-0 text-warn" aria-hidden />
      <p className="min-w-48 flex-1">
        <span className="font-unread">Not sent.</span>{" "}
        {last ? `${who} ${verb} ${ago(last.at, now)}. Read it first, or send anyway.` : "This request changed while you were writing. Look at it first, or send anyway."}
      </p>
      <div className="flex gap-2">
        <Button onClick={onRead}>Read it</Button>
        <Button kind="ghost" className="text-warn" onClick={onAnyway}>Send anyway</Button>
      </div>
    </div>
  );
}
