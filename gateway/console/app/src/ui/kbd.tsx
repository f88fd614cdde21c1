import { useCaps } from "../keys/keys";
import { cx } from "./cx";

export function Caps({ caps, className }: { caps: string[]; className?: string }) {
  if (caps.length === 0) return null;
  return (
    <span aria-hidden className={cx("hidden items-center gap-1 pane:inline-flex", className)}>
      {caps.map((c, i) => (
        <kbd key={i} className="inline-flex h-[18px] min-w-[18px] items-center justify-center rounded-xs border border-line bg-panel px-1 font-sans text-meta text-subtle">
          {c}
        </kbd>
      ))}
    </span>
  );
}

/** The key caps of a registered action; nothing when it has none. */
export function KeyOf({ id, className }: { id: string; className?: string }) {
  return <Caps caps={useCaps(id)} className={className} />;
}
