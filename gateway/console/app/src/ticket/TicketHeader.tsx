import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Link2, Plus, UserRound, X } from "lucide-react";
import { useRef } from "react";
import { agentsQuery } from "../api/queries";
import type { Priority, Ticket } from "../api/types";
import { assign, reopen, resolve, setPriority, setTags } from "../state/act";
import { useMe } from "../state/me";
import { picking } from "../state/ui";
import { assigneeName, priorities, priorityNames, statusNames, subjectOf } from "../text/words";
import { Avatar } from "../ui/avatar";
import { Chip } from "../ui/chip";
import { cx } from "../ui/cx";
import { Menu, MenuChoices, MenuItem } from "../ui/menu";
import { Tip } from "../ui/tip";
import { copy, isOpen } from "./TicketKeys";

const dots = { open: "bg-accent", pending: "bg-info", resolved: "bg-ok", closed: "bg-line-strong" };
const property = "inline-flex h-6 shrink-0 items-center gap-1.5 rounded-xs px-1.5 font-label hover:bg-hover data-[state=open]:bg-hover max-pane:h-8";

/** Title, number and the properties, each of which can be changed where it stands. */
export function TicketHeader({ ticket: t }: { ticket: Ticket }) {
  const me = useMe();
  const agents = useQuery(agentsQuery).data ?? [];
  const people = [{ id: me.id, name: me.name }, ...agents.filter((a) => a.id !== me.id)];
  return (
    <header className="shrink-0 border-b border-line px-5 py-2.5 max-pane:px-3 max-pane:py-2">
      <div className="flex items-start gap-3 max-pane:hidden">
        <h2 className="min-w-0 flex-1 text-title font-unread tracking-[-0.006em] text-balance">{subjectOf(t.subject)}</h2>
        <NumberButton ticket={t} />
      </div>
      <h2 className="sr-only pane:hidden">{subjectOf(t.subject)}</h2>
      <div className="-ms-1.5 mt-1 flex flex-wrap items-center gap-x-1.5 gap-y-1 max-pane:mt-0 max-pane:flex-nowrap max-pane:overflow-x-auto max-pane:[scrollbar-width:none]">
        <Menu trigger={<button type="button" className={property}><span aria-hidden className={cx("size-[7px] rounded-full", dots[t.status])} />{statusNames[t.status]}</button>}>
          {isOpen(t)
            ? <MenuItem keyOf="resolve" onSelect={() => void resolve(t)}>Resolve</MenuItem>
            : <MenuItem keyOf="resolve" onSelect={() => void reopen(t)}>Reopen</MenuItem>}
        </Menu>
        <Menu trigger={<button type="button" className={cx(property, t.priority === "urgent" ? "text-danger" : t.priority === "high" ? "text-warn" : "")}><Bars priority={t.priority} />{priorityNames[t.priority]}<span className="sr-only"> priority</span></button>}>
          <MenuChoices label="Priority" value={t.priority} onChoose={(p) => void setPriority(t, p as Priority)}
            choices={priorities.map((p) => ({ value: p, label: priorityNames[p], icon: <Bars priority={p} /> }))} />
        </Menu>
        <Menu className="w-64" trigger={
          <button type="button" className={cx(property, !t.assignee && "text-muted")}>
            {t.assignee ? <Avatar id={t.assignee.id} name={t.assignee.name} size="xs" /> : <UserRound className="size-4" aria-hidden />}{assigneeName(t.assignee, me.id)}
          </button>
        }>
          <MenuChoices label="Assignee" value={t.assignee?.id ?? ""} onChoose={(id) => void assign(t, people.find((p) => p.id === id) ?? null, me.id)}
            choices={[...people.map((a) => ({ value: a.id, label: a.id === me.id ? `${a.name} (you)` : a.name, icon: <Avatar id={a.id} name={a.name} size="sm" /> })), { value: "", label: "Nobody" }]} />
        </Menu>
        {t.tags.map((tag) => (
          <Chip key={tag} className="h-5 pe-0.5">
            <span className="truncate">{tag}</span>
            <button type="button" aria-label={`Remove tag ${tag}`} onClick={() => void setTags(t, [], [tag])} className="-my-1 inline-flex size-6 items-center justify-center text-subtle hover:text-fg"><X className="size-3" /></button>
          </Chip>
        ))}
        <Tip text="Change tags" keyOf="tag">
          <button type="button" onClick={() => picking.set({ kind: "tag", ticket: t })} className="inline-flex h-6 items-center gap-1 rounded-xs border border-dashed border-line px-1.5 text-chip text-subtle hover:border-line-strong hover:text-fg max-pane:h-8"><Plus className="size-3" aria-hidden />Tag</button>
        </Tip>
        {t.related && <Link to="/t/$ticket" params={{ ticket: t.related }} className="inline-flex h-6 items-center gap-1 rounded-xs px-1.5 text-chip text-accent-text hover:underline"><Link2 className="size-3.5" aria-hidden />May belong to another request</Link>}
        {t.unverified && <Chip tone="warn" className="h-5">Unverified sender</Chip>}
      </div>
    </header>
  );
}

/** Click copies the number; a second click soon after copies it with the subject. */
function NumberButton({ ticket: t }: { ticket: Ticket }) {
  const last = useRef(0);
  const click = (): void => {
    const twice = Date.now() - last.current < 1500;
    last.current = Date.now();
    void copy(twice ? `#${t.number} ${t.subject}` : `#${t.number}`, twice ? "Number and subject copied" : "Number copied");
  };
  return <Tip text="Copy the number"><button type="button" onClick={click} className="mt-0.5 rounded-xs px-1 font-mono text-chip text-subtle hover:bg-hover hover:text-fg">#{t.number}</button></Tip>;
}

const levels: Record<Priority, number> = { low: 1, normal: 2, high: 3, urgent: 4 };

export const Bars = ({ priority }: { priority: Priority }) => (
  <svg aria-hidden viewBox="0 0 16 16" className="size-4 shrink-0" fill="currentColor">
    {[0, 1, 2, 3].map((i) => <rect key={i} x={1.5 + i * 3.5} y={10 - i * 2.6} width="2.2" height={3.5 + i * 2.6} rx="0.8" opacity={i < levels[priority] ? 1 : 0.28} />)}
  </svg>
);
