import type { ComponentProps, ReactNode } from "react";
import { cx } from "./cx";
import { Tip } from "./tip";

type Kind = "primary" | "outline" | "ghost" | "danger" | "note";

const kinds: Record<Kind, string> = {
  primary: "bg-accent text-accent-fg font-strong hover:bg-accent-hover shadow-low",
  outline: "border border-line bg-panel text-fg font-label shadow-low hover:bg-hover",
  ghost: "text-muted hover:bg-hover hover:text-fg",
  danger: "border border-line bg-panel text-danger font-label shadow-low hover:bg-danger-soft",
  note: "bg-note-fg text-note font-strong hover:opacity-90",
};

/** A link that downloads, in the look of a button. */
export const download = "control inline-flex shrink-0 items-center gap-1.5 rounded-sm border border-line bg-panel px-2.5 font-label shadow-low hover:bg-hover";

export interface ButtonProps extends ComponentProps<"button"> {
  kind?: Kind;
  /** Why it cannot be used now: the button stays, disabled, and says so. */
  reason?: string;
}

export function Button({ kind = "outline", className, reason, disabled, ...rest }: ButtonProps) {
  const off = disabled || !!reason;
  const button = (
    <button
      type="button"
      aria-disabled={off || undefined}
      {...rest}
      onClick={off ? (e) => e.preventDefault() : rest.onClick}
      className={cx(
        "control inline-flex shrink-0 items-center justify-center gap-1.5 rounded-sm px-2.5 whitespace-nowrap select-none",
        kinds[kind], off && "opacity-50", className,
      )}
    />
  );
  return reason ? <Tip text={reason}>{button}</Tip> : button;
}

/** A square button with an icon. The label is its name, its tooltip and what a screen reader says. */
export function IconButton({ label, keyOf, className, children, ...rest }: ComponentProps<"button"> & { label: string; keyOf?: string; children: ReactNode }) {
  return (
    <Tip text={label} keyOf={keyOf}>
      <button
        type="button"
        aria-label={label}
        {...rest}
        className={cx(
          "inline-flex size-(--control) shrink-0 items-center justify-center rounded-sm text-muted hover:bg-hover hover:text-fg aria-pressed:bg-selected aria-pressed:text-accent-text",
          className,
        )}
      >
        {children}
      </button>
    </Tip>
  );
}
