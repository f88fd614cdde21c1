import { User } from "lucide-react";
import { initials } from "../text/words";
import { cx } from "./cx";

// White on each of these is at least 4.5:1.
const colours = ["#a8386a", "#b4531a", "#0f766e", "#7c4ac4", "#2463c4", "#8a5a00", "#3f7a1f", "#a33d3d"];

function colourOf(id: string): string {
  let h = 0;
  for (let i = 0; i < id.length; i++) h = (h * 31 + id.charCodeAt(i)) >>> 0;
  return colours[h % colours.length]!;
}

const sizes = { xs: "size-4 text-[8px]", sm: "size-5 text-[9px]", md: "size-6.5 text-meta", lg: "size-10 text-pane" };

/** Initials on a steady colour. Decoration only: the name always stands beside it. */
export function Avatar({ id, name, size = "md", erased = false }: { id: string; name: string; size?: keyof typeof sizes; erased?: boolean }) {
  return (
    <span
      aria-hidden
      className={cx("inline-flex shrink-0 items-center justify-center rounded-full font-unread tracking-tight text-white select-none", sizes[size], erased && "bg-line text-muted")}
      style={erased ? undefined : { backgroundColor: colourOf(id || name) }}
    >
      {erased ? <User className="size-3/5" /> : initials(name)}
    </span>
  );
}
