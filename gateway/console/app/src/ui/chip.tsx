import type { ReactNode } from "react";
import { cx } from "./cx";

export type Tone = "plain" | "accent" | "danger" | "warn" | "ok" | "info" | "note";

const tones: Record<Tone, string> = {
  plain: "bg-sunken text-muted",
  accent: "bg-accent-soft text-accent-text",
  danger: "bg-danger-soft text-danger",
  warn: "bg-warn-soft text-warn",
  ok: "bg-ok-soft text-ok",
  info: "bg-info-soft text-info",
  note: "bg-note text-note-fg",
};

export function Chip({ tone = "plain", className, children }: { tone?: Tone; className?: string; children: ReactNode }) {
  return (
    <span className={cx("inline-flex h-[18px] max-w-40 shrink-0 items-center gap-1 truncate rounded-xs px-1.5 text-chip font-label", tones[tone], className)}>
      {children}
    </span>
  );
}
