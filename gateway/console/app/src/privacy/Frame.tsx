import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { Card, OpsPage } from "../ops/OpsPage";
import { useActorName } from "../state/people";
import { shortTime } from "../text/time";
import { cx } from "../ui/cx";
import { When } from "../ui/when";
import type { Shown, Step } from "./queries";
import { stepName } from "./words";

const pages = [
  ["/office/requests", "Requests"], ["/office/retention", "Retention"], ["/office/holds", "Holds"], ["/office/demands", "Demands"], ["/office/cases", "Cases"],
  ["/office/transfers", "Transfers"], ["/office/register", "Register"], ["/office/audit", "Audit"],
] as const;

/** The frame of the privacy office's pages: one title each, and the way to the others. */
export function Office({ title, intro, actions, children }: { title: string; intro?: string; actions?: ReactNode; children: ReactNode }) {
  const nav = useRef<HTMLElement>(null);
  // On a phone the page one is on may be out of sight at the end of the row.
  useEffect(() => { nav.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" }); }, [title]);
  return (
    <OpsPage title={title} intro={intro} actions={actions} nav={
      <nav ref={nav} aria-label="Privacy" className="-mt-3 flex shrink-0 gap-1 overflow-x-auto border-b border-line [scrollbar-width:none] max-pane:-mx-3 max-pane:px-3">
        {pages.map(([to, name]) => (
          <Link key={to} to={to} className="shrink-0 border-b-2 border-transparent px-2.5 py-2 font-label text-muted -outline-offset-2 hover:text-fg aria-[current=page]:border-accent aria-[current=page]:text-accent-text max-pane:py-3">{name}</Link>
        ))}
      </nav>
    }>
      {children}
    </OpsPage>
  );
}

/** What a list of files shows. */
export const shownChoices: readonly (readonly [Shown, string])[] = [["open", "Open"], ["closed", "Closed"], ["all", "All"]];

/** `fits`: its columns have room on a phone, where it need not be wider than the screen. */
export function Table({ name, head, fits, children }: { name: string; head: readonly (readonly [string, string?])[]; fits?: boolean; children: ReactNode }) {
  return (
    <Card className="shrink-0">
      <div className="overflow-x-auto -outline-offset-2" tabIndex={0} role="region" aria-label={name}>
        <table className={cx("w-full", fits ? "max-pane:[&_:is(th,td)]:px-2.5" : "min-w-[560px]")}>
          <caption className="sr-only">{name}</caption>
          <thead className="border-b border-line"><tr>{head.map(([h, className]) => <th key={h} scope="col" className={cx("px-4 py-2 text-chip font-label whitespace-nowrap text-subtle", className ?? "text-start")}>{h}</th>)}</tr></thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </Card>
  );
}

export const Heading = ({ children }: { children: ReactNode }) => <h2 className="mt-3 -mb-2 text-pane font-unread">{children}</h2>;

export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(96px,auto)_1fr] gap-x-6 gap-y-1.5 max-pane:gap-x-4">
      {rows.filter(([, v]) => v !== "" && v !== undefined && v !== null && v !== false).map(([k, v]) => <div key={k} className="contents"><dt className="text-subtle">{k}</dt><dd className="min-w-0 break-words">{v}</dd></div>)}
    </dl>
  );
}

/** What happened in one file, oldest first. */
export function Steps({ steps }: { steps: readonly Step[] }) {
  const actor = useActorName();
  return (
    <>
      <Heading>What happened</Heading>
      <Card className="shrink-0">
        <ol>
          {steps.map((s) => (
            <li key={s.n} className="flex items-baseline gap-3 border-b border-line px-4 py-2 last:border-0">
              <span className="min-w-0 flex-1"><span className="font-label">{stepName(s)}</span><span className="text-muted pane:hidden"> · {actor(s.actor)}</span></span>
              <span className="truncate text-muted max-pane:hidden">{actor(s.actor)}</span>
              <When at={s.at} say={shortTime} className="w-16 shrink-0 text-end text-chip text-subtle" />
            </li>
          ))}
        </ol>
      </Card>
    </>
  );
}

/** One file of a list: what it is, where it stands, and the way to it. */
export function FileRow({ link, title, chip, children }: { link: ReactNode; title?: ReactNode; chip: ReactNode; children: ReactNode }) {
  return (
    <li className="border-b border-line px-4 py-3 last:border-0 hover:bg-hover">
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1"><span className="min-w-0 truncate font-strong">{link}</span>{title}{chip}</p>
      <p className="mt-0.5 text-muted">{children}</p>
    </li>
  );
}
