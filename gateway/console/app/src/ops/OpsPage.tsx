import type { ReactNode } from "react";
import { asProblem } from "../api/problem";
import { PaneHeader } from "../shell/PaneHeader";
import { useTitle } from "../state/title";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { Bone, ErrorState } from "../ui/states";

/** The frame of an operations page: header, a measure that reads well, room to scroll. */
export function OpsPage({ title, intro, actions, nav, children }: { title: string; intro?: string; actions?: ReactNode; nav?: ReactNode; children: ReactNode }) {
  useTitle(title);
  return (
    <section aria-label={title} className="flex min-w-0 flex-1 flex-col">
      <PaneHeader title={title}>{actions}</PaneHeader>
      <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={0} role="region" aria-label={`${title}, content`}>
        <div className="flex min-h-full w-full max-w-[1080px] flex-col gap-4 px-3.5 py-4 max-pane:px-3 max-pane:py-3">
          {nav}
          {intro && <p className="max-w-[72ch] text-muted">{intro}</p>}
          {children}
        </div>
      </div>
    </section>
  );
}

export const Card = ({ children, className }: { children: ReactNode; className?: string }) => (
  <div className={cx("overflow-hidden rounded-lg border border-line bg-panel", className)}>{children}</div>
);

interface Read { data: unknown; isError: boolean; error: unknown; refetch: () => unknown }

/** What a page shows before its data, and when they cannot be read. */
export function Waiting({ what, of }: { what: string; of: readonly Read[] }) {
  const failed = of.find((q) => q.isError && !q.data);
  if (failed) return <ErrorState what={`${what} could not be read`} problem={asProblem(failed.error)} onRetry={() => { for (const q of of) if (!q.data) void q.refetch(); }} />;
  return <Card className="flex flex-col gap-4 p-4">{[1, 2, 3, 4].map((i) => <Bone key={i} className="h-3 w-2/3" />)}</Card>;
}

/** The end of a list that goes on. */
export const Older = ({ next, busy, onMore }: { next: string; busy: boolean; onMore: () => void }) =>
  next ? <div className="text-center"><Button kind="ghost" disabled={busy} onClick={onMore}>Show older</Button></div> : null;

export const th = "px-4 py-2 text-chip font-label whitespace-nowrap text-subtle";
export const td = "px-4 py-2 align-middle";
