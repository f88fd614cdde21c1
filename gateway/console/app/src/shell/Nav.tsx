import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Activity, Archive, CheckCheck, CircleDot, Inbox, Mail, Megaphone, Search, Server, Shield, ShieldAlert, UserRound } from "lucide-react";
import type { ReactNode } from "react";
import { countsQuery, outboxCountsQuery } from "../api/queries";
import type { ViewName } from "../api/types";
import { useSession } from "../state/me";
import { paletteOpen } from "../state/ui";
import { count, viewNames } from "../text/words";
import { IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { Mark } from "./Mark";
import { Person } from "./Person";

const icons: Record<ViewName, ReactNode> = {
  open: <Inbox />, unassigned: <CircleDot />, mine: <UserRound />, resolved: <CheckCheck />, all: <Archive />,
};

export function Nav({ onChoose }: { onChoose?: () => void }) {
  const { brand, agent } = useSession();
  const counts = useQuery(countsQuery).data;
  const out = useQuery(outboxCountsQuery).data;
  const waiting = (out?.queued ?? 0) + (out?.sending ?? 0) + (out?.deferred ?? 0);
  const trouble = (out?.failed ?? 0) + (out?.unknown ?? 0) + (out?.bounced ?? 0);
  return (
    <div className="flex min-h-0 flex-1 flex-col px-2 pt-3 pb-2">
      <div className="mb-2 flex items-center gap-2 ps-1.5">
        <Mark className="size-[22px] rounded-sm" />
        <span className="min-w-0 flex-1 truncate text-pane font-unread">{brand || "Westshore Hub"}</span>
        <IconButton label="Search and commands" keyOf="palette" onClick={() => { onChoose?.(); paletteOpen.set(true); }}><Search className="size-4" /></IconButton>
      </div>
      <nav aria-label="Main" className="flex min-h-0 flex-1 flex-col gap-px overflow-y-auto py-1" onClick={(e) => (e.target as HTMLElement).closest("a") && onChoose?.()}>
        {(Object.keys(icons) as ViewName[]).map((v) => (
          <Item key={v} icon={icons[v]} label={viewNames[v]} count={counts && v !== "all" && v !== "resolved" ? count(counts[v]) : undefined}
            link={{ to: "/inbox/$view", params: { view: v } }} />
        ))}
        <h2 className="mt-4 mb-1 px-2 text-chip font-label text-subtle">Operations</h2>
        <Item icon={<Activity />} label="Outbox" link={{ to: "/ops/outbox" }} alert={trouble > 0}
          count={trouble > 0 ? `${count(trouble)} to check` : waiting > 0 ? `${count(waiting)} queued` : undefined} />
        <Item icon={<ShieldAlert />} label="Quarantine" link={{ to: "/ops/quarantine" }} count={counts && count(counts.quarantine)} />
        <Item icon={<Mail />} label="Mail routes" link={{ to: "/ops/mail" }} />
        <Item icon={<Megaphone />} label="Notices" link={{ to: "/ops/notices" }} />
        <Item icon={<Server />} label="System" link={{ to: "/ops/system" }} />
        {(agent.role === "admin" || agent.role === "privacy") && <Item icon={<Shield />} label="Privacy" link={{ to: "/office" }} />}
      </nav>
      <Person />
    </div>
  );
}

interface ItemProps {
  icon: ReactNode;
  label: string;
  count?: string;
  alert?: boolean;
  link: { to: "/inbox/$view"; params: { view: ViewName } } | { to: "/ops/outbox" | "/ops/quarantine" | "/ops/mail" | "/ops/notices" | "/ops/system" | "/office" };
}

function Item({ icon, label, count: n, alert, link }: ItemProps) {
  return (
    <Link
      {...link}
      activeOptions={{ includeSearch: false }}
      className="group flex min-h-7 items-center gap-2.5 rounded-sm px-2 font-label text-muted hover:bg-hover hover:text-fg aria-[current=page]:bg-selected aria-[current=page]:text-fg max-pane:min-h-11 max-split:min-h-9"
    >
      <span className="group-aria-[current=page]:text-accent-text [&>svg]:size-4">{icon}</span>
      <span className="min-w-0 flex-1 truncate">{label}</span>
      {n !== undefined && n !== "0" && (
        <span className={cx("tnum text-chip", alert ? "rounded-xs bg-danger-soft px-1.5 text-danger" : "text-subtle group-aria-[current=page]:text-fg")}>{n}</span>
      )}
    </Link>
  );
}
