import { useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { Check, Plus } from "lucide-react";
import { Dialog as D } from "radix-ui";
import { useState } from "react";
import { agentsQuery } from "../api/queries";
import type { Ticket } from "../api/types";
import { assign, setPriority, setTags } from "../state/act";
import { useMe } from "../state/me";
import { picking, type PickKind } from "../state/ui";
import { priorities, priorityNames } from "../text/words";
import { Bars } from "../ticket/TicketHeader";
import { Avatar } from "../ui/avatar";
import { itemClass } from "./Palette";

const titles: Record<PickKind, string> = { assign: "Assign to", priority: "Set the priority to", tag: "Add or remove a tag" };

/** Asks for one value for one request: type, choose, done. */
export function Picker({ kind, ticket }: { kind: PickKind; ticket: Ticket }) {
  const [text, setText] = useState("");
  const close = (): void => picking.set(null);
  return (
    <D.Root open onOpenChange={(o) => !o && close()}>
      <D.Portal>
        <D.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <D.Content aria-describedby={undefined} className="rise fixed top-[18vh] left-1/2 z-40 w-[min(400px,calc(100vw-24px))] -translate-x-1/2 overflow-hidden rounded-lg border border-line bg-panel shadow-dialog outline-none max-pane:top-3">
          <D.Title className="flex items-center justify-between px-4 pt-3 text-chip font-label text-subtle">{titles[kind]}<span className="font-mono">#{ticket.number}</span></D.Title>
          <Command label={titles[kind]} loop>
            <Command.Input value={text} onValueChange={setText} autoFocus maxLength={40} placeholder={kind === "tag" ? "Type a tag" : "Type to find"} className="h-10 w-full border-b border-line bg-transparent px-4 outline-none" />
            <Command.List className="max-h-[min(340px,60dvh)] overflow-y-auto p-1.5">
              {kind === "assign" && <People ticket={ticket} onDone={close} />}
              {kind === "priority" && priorities.map((p) => (
                <Command.Item key={p} value={p} keywords={[priorityNames[p]]} onSelect={() => { close(); void setPriority(ticket, p); }} className={itemClass}>
                  <Bars priority={p} /><span className="flex-1">{priorityNames[p]}</span>{ticket.priority === p && <Check className="size-4 text-accent-text" aria-label="Set now" />}
                </Command.Item>
              ))}
              {kind === "tag" && <TagList ticket={ticket} text={text} onDone={close} />}
              {kind !== "tag" && <Command.Empty className="px-2.5 py-6 text-center text-muted">Nothing found</Command.Empty>}
            </Command.List>
          </Command>
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}

function People({ ticket, onDone }: { ticket: Ticket; onDone: () => void }) {
  const me = useMe();
  const others = (useQuery(agentsQuery).data ?? []).filter((a) => a.id !== me.id);
  return (
    <>
      {[{ id: me.id, name: me.name }, ...others].map((a) => (
        <Command.Item key={a.id} value={a.id} keywords={[a.name, a.id === me.id ? "me" : ""]} onSelect={() => { onDone(); void assign(ticket, { id: a.id, name: a.name }, me.id); }} className={itemClass}>
          <Avatar id={a.id} name={a.name} size="sm" /><span className="flex-1 truncate">{a.name}{a.id === me.id && <span className="text-subtle"> (you)</span>}</span>
          {ticket.assignee?.id === a.id && <Check className="size-4 text-accent-text" aria-label="Assigned now" />}
        </Command.Item>
      ))}
      {ticket.assignee && (
        <Command.Item value="nobody" keywords={["nobody", "remove", "unassign"]} onSelect={() => { onDone(); void assign(ticket, null, me.id); }} className={itemClass}>
          <span aria-hidden className="size-5 rounded-full border border-dashed border-line-strong" /><span>Nobody</span>
        </Command.Item>
      )}
    </>
  );
}

/** The same form the server keeps: lower case, no spaces at the ends, one space or hyphen between. */
const asTag = (s: string): string => s.trim().toLowerCase().replace(/\s+/g, "-");

function TagList({ ticket, text, onDone }: { ticket: Ticket; text: string; onDone: () => void }) {
  const tag = asTag(text);
  return (
    <>
      {tag && !ticket.tags.includes(tag) && (
        <Command.Item value={`add ${tag}`} keywords={[text]} forceMount onSelect={() => { onDone(); void setTags(ticket, [tag], []); }} className={itemClass}>
          <Plus className="size-4 text-muted" aria-hidden /><span>Add “{tag}”</span>
        </Command.Item>
      )}
      {ticket.tags.map((t) => (
        <Command.Item key={t} value={t} onSelect={() => { onDone(); void setTags(ticket, [], [t]); }} className={itemClass}>
          <Check className="size-4 text-accent-text" aria-hidden /><span className="flex-1">{t}</span><span className="text-chip text-subtle">Remove</span>
        </Command.Item>
      ))}
      {!tag && ticket.tags.length === 0 && <p className="px-2.5 py-6 text-center text-muted">No tags yet. Type one and press Enter.</p>}
    </>
  );
}
