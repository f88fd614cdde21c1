import { useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowLeft, ArrowUp, Check, Copy, Ellipsis, Link2, PanelRight, RotateCcw, UserPlus, Users } from "lucide-react";
import { agentsQuery } from "../api/queries";
import type { Ticket } from "../api/types";
import { assign, reopen, resolve } from "../state/act";
import { useMe } from "../state/me";
import { usePhone, useSplit, useWide } from "../state/media";
import { changeSettings, settings } from "../state/settings";
import { useStore } from "../state/store";
import { picking, sideSheetOpen } from "../state/ui";
import { personName, subjectOf } from "../text/words";
import { Avatar } from "../ui/avatar";
import { Button, IconButton } from "../ui/button";
import { KeyOf } from "../ui/kbd";
import { Menu, MenuChoices, MenuItem } from "../ui/menu";
import { copy, isOpen, linkTo } from "./TicketKeys";

export interface BarProps { ticket: Ticket; onBack: () => void; onMove?: (by: number) => void; hasPrevious: boolean; hasNext: boolean }

export function ActionBar({ ticket: t, onBack, onMove, hasPrevious, hasNext }: BarProps) {
  const phone = usePhone();
  const split = useSplit();
  const open = isOpen(t);
  const act = (): void => void (open ? resolve(t) : reopen(t));
  return (
    <div className="flex h-[46px] shrink-0 items-center gap-1.5 border-b border-line px-3.5 max-pane:h-14 max-pane:px-2">
      {!split && <IconButton label="Back to the list" keyOf="back" onClick={onBack}><ArrowLeft className="size-4 max-pane:size-5" /></IconButton>}
      {phone ? (
        <div className="min-w-0 flex-1">
          <p className="truncate font-unread">{subjectOf(t.subject)}</p>
          <p className="tnum truncate text-meta text-subtle">{personName(t.customer, t.erased)} · #{t.number}</p>
        </div>
      ) : <AssignMenu ticket={t} />}
      {phone ? (
        <IconButton label={open ? "Resolve" : "Reopen"} onClick={act}>{open ? <Check className="size-5" /> : <RotateCcw className="size-5" />}</IconButton>
      ) : (
        <Button onClick={act}>
          {open ? <Check className="size-4" aria-hidden /> : <RotateCcw className="size-4" aria-hidden />}{open ? "Resolve" : "Reopen"}<KeyOf id="resolve" />
        </Button>
      )}
      <MoreMenu ticket={t} />
      <span className="ms-auto" />
      {onMove && !phone && (
        <>
          <IconButton label="Previous request" keyOf="previous" aria-disabled={!hasPrevious || undefined} onClick={() => hasPrevious && onMove(-1)} className="aria-disabled:opacity-40"><ArrowUp className="size-4" /></IconButton>
          <IconButton label="Next request" keyOf="next" aria-disabled={!hasNext || undefined} onClick={() => hasNext && onMove(1)} className="aria-disabled:opacity-40"><ArrowDown className="size-4" /></IconButton>
        </>
      )}
      {!phone && <SideToggle />}
    </div>
  );
}

function SideToggle() {
  const wide = useWide();
  const { side } = useStore(settings);
  const sheet = useStore(sideSheetOpen);
  return (
    <IconButton label="Customer" keyOf="side" aria-pressed={wide ? side : sheet} onClick={() => toggleSide(wide)}>
      <PanelRight className="size-4" />
    </IconButton>
  );
}

export function toggleSide(wide: boolean): void {
  if (wide) changeSettings({ side: !settings.get().side });
  else sideSheetOpen.set((o) => !o);
}

function AssignMenu({ ticket: t }: { ticket: Ticket }) {
  const me = useMe();
  const agents = useQuery(agentsQuery).data ?? [];
  const others = agents.filter((a) => a.id !== me.id);
  const people = [{ id: me.id, name: me.name }, ...others];
  return (
    <Menu
      className="w-64"
      trigger={<Button><UserPlus className="size-4" aria-hidden />Assign<KeyOf id="assign" /></Button>}
    >
      <MenuChoices
        value={t.assignee?.id ?? ""}
        onChoose={(id) => void assign(t, people.find((p) => p.id === id) ?? null, me.id)}
        choices={[
          ...people.map((a) => ({ value: a.id, label: a.id === me.id ? `${a.name} (you)` : a.name, icon: <Avatar id={a.id} name={a.name} size="sm" /> })),
          { value: "", label: "Nobody", icon: <span aria-hidden className="size-5 rounded-full border border-dashed border-line-strong" /> },
        ]}
      />
    </Menu>
  );
}

function MoreMenu({ ticket: t }: { ticket: Ticket }) {
  const phone = usePhone();
  return (
    <Menu
      align={phone ? "end" : "start"}
      trigger={<button type="button" aria-label="More actions" className="inline-flex size-(--control) shrink-0 items-center justify-center rounded-sm text-muted hover:bg-hover hover:text-fg"><Ellipsis className="size-4 max-pane:size-5" /></button>}
    >
      {phone && <PhoneItems ticket={t} />}
      <MenuItem icon={<Link2 />} keyOf="copy-link" onSelect={() => void copy(linkTo(t), "Link copied")}>Copy the link</MenuItem>
      <MenuItem icon={<Copy />} onSelect={() => void copy(`#${t.number} ${t.subject}`, "Number and subject copied")}>Copy number and subject</MenuItem>
    </Menu>
  );
}

function PhoneItems({ ticket: t }: { ticket: Ticket }) {
  const me = useMe();
  return (
    <>
      <MenuItem icon={<UserPlus />} onSelect={() => void assign(t, { id: me.id, name: me.name }, me.id)}>Assign to me</MenuItem>
      <MenuItem icon={<Users />} onSelect={() => picking.set({ kind: "assign", ticket: t })}>Assign to…</MenuItem>
      <MenuItem icon={<PanelRight />} onSelect={() => sideSheetOpen.set(true)}>Customer</MenuItem>
    </>
  );
}
