import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Problem } from "../api/problem";
import { Card, OpsPage } from "../ops/OpsPage";
import { cx } from "../ui/cx";
import { Bone, ErrorState } from "../ui/states";

const pages = [
  ["/office/requests", "Requests"], ["/office/retention", "Retention"], ["/office/holds", "Holds"], ["/office/register", "Register"], ["/office/access", "Access log"],
] as const;

/** The frame of the privacy office's pages: one title each, and the way to the others. */
export function Office({ title, intro, actions, children }: { title: string; intro: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <OpsPage title={title} intro={intro} actions={actions}>
      <nav aria-label="Privacy" className="-mt-1 flex gap-1 overflow-x-auto border-b border-line [scrollbar-width:none]">
        {pages.map(([to, name]) => (
          <Link key={to} to={to} className="-mb-px shrink-0 border-b-2 border-transparent px-2.5 py-2 font-label text-muted hover:text-fg aria-[current=page]:border-accent aria-[current=page]:text-accent-text max-pane:py-3">{name}</Link>
        ))}
      </nav>
      {children}
    </OpsPage>
  );
}

/** What a page shows before its data, and when they cannot be read. */
export function Waiting({ what, problem, onRetry }: { what: string; problem: Problem | null; onRetry: () => void }) {
  if (problem) return <ErrorState what={`${what} could not be read`} problem={problem} onRetry={onRetry} />;
  return <Card className="flex flex-col gap-4 p-4">{[1, 2, 3, 4].map((i) => <Bone key={i} className="h-3 w-2/3" />)}</Card>;
}

/** `fits`: its columns have room on a phone, where it need not be wider than the screen. */
export function Table({ name, head, fits, children }: { name: string; head: readonly (readonly [string, string?])[]; fits?: boolean; children: ReactNode }) {
  return (
    <Card>
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={name}>
        <table className={cx("w-full", fits ? "max-pane:[&_:is(th,td)]:px-2.5" : "min-w-[560px]")}>
          <caption className="sr-only">{name}</caption>
          <thead className="border-b border-line"><tr>{head.map(([h, className]) => <th key={h} scope="col" className={cx("px-4 py-2 text-chip font-label whitespace-nowrap text-subtle", className ?? "text-start")}>{h}</th>)}</tr></thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </Card>
  );
}

export const Heading = ({ children }: { children: ReactNode }) => <h2 className="mt-2 text-pane font-unread">{children}</h2>;

export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5">
      {rows.filter(([, v]) => v !== "" && v !== undefined && v !== null).map(([k, v]) => <div key={k} className="contents"><dt className="text-subtle">{k}</dt><dd className="min-w-0 break-words">{v}</dd></div>)}
    </dl>
  );
}
