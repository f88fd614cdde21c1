import type { ReactNode } from "react";
import { PaneHeader } from "../shell/PaneHeader";
import { useTitle } from "../state/title";
import { cx } from "../ui/cx";

/** The frame of an operations page: header, a measure that reads well, room to scroll. */
export function OpsPage({ title, intro, actions, children }: { title: string; intro: string; actions?: ReactNode; children: ReactNode }) {
  useTitle(title);
  return (
    <section aria-label={title} className="flex min-w-0 flex-1 flex-col">
      <PaneHeader title={title}>{actions}</PaneHeader>
      <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={0} role="region" aria-label={`${title}, content`}>
        <div className="flex min-h-full w-full max-w-[1080px] flex-col gap-4 px-3.5 py-4 max-pane:px-3 max-pane:py-3">
          <p className="max-w-[64ch] text-muted">{intro}</p>
          {children}
        </div>
      </div>
    </section>
  );
}

export const Card = ({ children, className }: { children: ReactNode; className?: string }) => (
  <div className={cx("overflow-hidden rounded-lg border border-line bg-panel", className)}>{children}</div>
);

export const th = "px-4 py-2 text-chip font-label whitespace-nowrap text-subtle";
export const td = "px-4 py-2 align-middle";
