import { Menu as MenuIcon } from "lucide-react";
import type { ReactNode } from "react";
import { navOpen } from "../state/ui";
import { IconButton } from "../ui/button";

/** The bar at the top of a pane: 46 px, with the way to the navigation where that is hidden. */
export function PaneHeader({ title, count, children }: { title: string; count?: string; children?: ReactNode }) {
  return (
    <header className="flex h-[46px] shrink-0 items-center gap-2 border-b border-line px-3.5 max-pane:h-14 max-pane:px-2">
      <IconButton label="Navigation" className="split:hidden" onClick={() => navOpen.set(true)}><MenuIcon className="size-4 max-pane:size-5" /></IconButton>
      <h1 className="truncate text-pane font-unread max-pane:text-[1.0625rem]">{title}</h1>
      {count && <span className="tnum text-pane text-subtle">{count}</span>}
      <div className="ms-auto flex items-center gap-1">{children}</div>
    </header>
  );
}
