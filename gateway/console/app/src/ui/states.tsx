import { Check, Copy, RotateCw, TriangleAlert } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { Problem } from "../api/problem";
import { Button } from "./button";
import { cx } from "./cx";

/** A grey bar of the final height. Shown only after 150 ms, so that quick answers do not flicker. */
export const Bone = ({ className }: { className?: string }) => <span className={cx("late pulse block rounded-xs bg-sunken", className)} />;

export function EmptyState({ icon, title, text, children }: { icon?: ReactNode; title: string; text?: ReactNode; children?: ReactNode }) {
  return (
    <div className="flex h-full flex-1 flex-col items-center justify-center gap-1 p-8 text-center">
      {icon && <span className="mb-3 inline-flex size-11 items-center justify-center rounded-full bg-sunken text-subtle [&>svg]:size-5">{icon}</span>}
      <p className="text-pane font-unread">{title}</p>
      {text && <p className="max-w-80 text-muted">{text}</p>}
      {children && <div className="mt-3 flex flex-wrap justify-center gap-2">{children}</div>}
    </div>
  );
}

/** What failed, that the rest is safe, a way to try again, and the number to quote. */
export function ErrorState({ what, problem, onRetry, inline = false }: { what: string; problem: Problem; onRetry: () => void; inline?: boolean }) {
  return (
    <div role="alert" className={cx("flex flex-col items-center justify-center gap-1 p-6 text-center", !inline && "h-full")}>
      <TriangleAlert className="mb-2 size-6 text-danger" aria-hidden />
      <p className="text-pane font-unread">{what}</p>
      <p className="max-w-96 text-muted">{problem.message}</p>
      <div className="mt-3 flex items-center gap-2">
        <Button onClick={onRetry}><RotateCw className="size-4" aria-hidden />Try again</Button>
        {problem.requestId && <CopyId id={problem.requestId} />}
      </div>
    </div>
  );
}

function CopyId({ id }: { id: string }) {
  const [copied, setCopied] = useState(false);
  const copy = (): void => void navigator.clipboard?.writeText(id).then(() => setCopied(true), () => setCopied(false));
  return (
    <Button kind="ghost" onClick={copy} className="font-mono text-chip">
      {copied ? <Check className="size-3.5" aria-hidden /> : <Copy className="size-3.5" aria-hidden />}{id}
    </Button>
  );
}
