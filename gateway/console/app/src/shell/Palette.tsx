import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Activity, Archive, ArrowRight, Check, CheckCheck, CircleDot, CircleX, CornerDownLeft, Flag, Inbox, Keyboard, Link2, Lock, Mail, Reply, Search, Server, ShieldAlert, Tag, UserPlus, UserRound, Users } from "lucide-react";
import { Dialog as D } from "radix-ui";
import { type ReactNode, useEffect, useState } from "react";
import { listQuery } from "../api/queries";
import type { Ticket } from "../api/types";
import { registry } from "../keys/keys";
import { type Key, keyCaps } from "../keys/registry";
import { useStore } from "../state/store";
import { paletteOpen } from "../state/ui";
import { shortTime } from "../text/time";
import { count, personName, subjectOf } from "../text/words";
import { Caps } from "../ui/kbd";

export const itemClass = "flex min-h-[34px] items-center gap-3 rounded-sm px-2.5 text-base select-none data-[selected=true]:bg-selected max-pane:min-h-11";
export const groupClass = "[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-chip [&_[cmdk-group-heading]]:text-subtle";

const icons: Record<string, ReactNode> = {
  assign: <Users />, "assign-me": <UserPlus />, unassign: <CircleX />, priority: <Flag />, tag: <Tag />, resolve: <Check />, "resolve-next": <CheckCheck />,
  "copy-link": <Link2 />, reply: <Reply />, note: <Lock />, search: <Search />, keys: <Keyboard />, "go-open": <Inbox />, "go-unassigned": <CircleDot />,
  "go-mine": <UserRound />, "go-resolved": <CheckCheck />, "go-all": <Archive />, "go-outbox": <Activity />, "go-quarantine": <ShieldAlert />, "go-mail": <Mail />, "go-system": <Server />,
};

function useLater<T>(value: T, ms: number): T {
  const [later, setLater] = useState(value);
  useEffect(() => {
    const t = setTimeout(() => setLater(value), ms);
    return () => clearTimeout(t);
  }, [value, ms]);
  return later;
}

/** Every action, every page and every request, from the keyboard. */
export function Palette() {
  const [text, setText] = useState("");
  const [value, setValue] = useState("");
  const keys = useStore(registry.entries).filter((k) => k.palette);
  const q = useLater(text.trim(), 150);
  const found = useQuery({ ...listQuery("all", q), enabled: q.length > 1, staleTime: 10_000 });
  const navigate = useNavigate();
  const close = (): void => paletteOpen.set(false);
  const run = (k: Key): void => { close(); requestAnimationFrame(() => k.run()); };
  const open = (t: Ticket): void => { close(); void navigate({ to: "/t/$ticket", params: { ticket: String(t.number) } }); };
  const unique = [...new Map(keys.map((k) => [k.id, k])).values()];
  const here = unique.filter((k) => k.group === "Request");
  const rest = unique.filter((k) => k.group !== "Request");
  const requests = q.length > 1 ? (found.data?.items.slice(0, 6) ?? []) : [];
  const first = requests[0]?.id;
  // Requests arrive after the filter has run: when no action matches, the first of them is the choice.
  useEffect(() => {
    if (first && !document.querySelector('[cmdk-item][data-selected="true"]')) setValue(`request ${first}`);
  }, [first, value]);

  return (
    <D.Root open onOpenChange={(o) => !o && close()}>
      <D.Portal>
        <D.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <D.Content aria-describedby={undefined} className="rise fixed top-[13vh] left-1/2 z-40 w-[min(616px,calc(100vw-24px))] -translate-x-1/2 overflow-hidden rounded-lg border border-line bg-panel shadow-dialog outline-none max-pane:top-3">
          <D.Title className="sr-only">Search and commands</D.Title>
          <Command label="Search and commands" loop value={value} onValueChange={setValue}>
            <div className="flex items-center gap-3 border-b border-line px-4">
              <Search className="size-4 text-subtle" aria-hidden />
              <Command.Input value={text} onValueChange={setText} autoFocus placeholder="Type a command, a name, words or a number" className="h-12 min-w-0 flex-1 bg-transparent text-pane outline-none" />
            </div>
            <Command.List className="max-h-[min(420px,60dvh)] scroll-py-2 overflow-y-auto p-1.5">
              <Command.Empty className="px-2.5 py-8 text-center text-muted">{found.isFetching ? "Searching" : `Nothing found for “${text.trim()}”`}</Command.Empty>
              {here.length > 0 && <Command.Group heading="This request" className={groupClass}>{here.map((k) => <Action key={k.id} entry={k} onRun={run} />)}</Command.Group>}
              <Command.Group heading="Go to" className={groupClass}>{rest.map((k) => <Action key={k.id} entry={k} onRun={run} />)}</Command.Group>
              {requests.length > 0 && (
                <Command.Group heading="Requests" className={groupClass} forceMount>
                  {requests.map((t) => (
                    <Command.Item key={t.id} value={`request ${t.id}`} keywords={[text]} forceMount onSelect={() => open(t)} className={itemClass}>
                      <Mail className="size-4 shrink-0 text-muted" aria-hidden />
                      <span className="min-w-0 truncate max-pane:flex-1">{subjectOf(t.subject)}</span>
                      <span className="min-w-0 flex-1 truncate text-muted max-pane:hidden">{personName(t.customer, t.erased)}</span>
                      <span className="tnum text-chip whitespace-nowrap text-subtle">#{count(t.number).replaceAll(",", "")} · {shortTime(t.updated_at)}</span>
                    </Command.Item>
                  ))}
                </Command.Group>
              )}
            </Command.List>
            <div className="flex items-center gap-3 border-t border-line px-4 py-2 text-chip text-subtle max-pane:hidden">
              <span className="inline-flex items-center gap-1.5"><Caps caps={["↑", "↓"]} />move</span>
              <span className="inline-flex items-center gap-1.5"><Caps caps={["↵"]} />run</span>
              <span className="inline-flex items-center gap-1.5"><Caps caps={["Esc"]} />close</span>
              <span className="ms-auto">Type <b className="font-unread text-fg">#</b> and a number for a request</span>
            </div>
          </Command>
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}

function Action({ entry: k, onRun }: { entry: Key; onRun: (k: Key) => void }) {
  const binding = k.keys[0];
  return (
    <Command.Item value={k.id} keywords={k.title.split(" ")} onSelect={() => onRun(k)} className={itemClass}>
      <span aria-hidden className="text-muted [&>svg]:size-4">{icons[k.id] ?? (k.group === "Request" ? <CornerDownLeft /> : <ArrowRight />)}</span>
      <span className="min-w-0 flex-1 truncate">{k.title}</span>
      {binding && <Caps caps={keyCaps(binding)} />}
    </Command.Item>
  );
}
