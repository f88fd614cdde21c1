import { X } from "lucide-react";
import { Dialog as D } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./cx";

/** Focus goes to the first field, or to the panel itself: not to its close button, whose tooltip would open. */
function focusIn(e: Event): void {
  e.preventDefault();
  const panel = e.currentTarget as HTMLElement;
  (panel.querySelector<HTMLElement>("input, textarea") ?? panel).focus();
}

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  text?: ReactNode;
  children?: ReactNode;
  className?: string;
}

export function Dialog({ open, onClose, title, text, children, className }: DialogProps) {
  return (
    <D.Root open={open} onOpenChange={(o) => !o && onClose()}>
      <D.Portal>
        <D.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <D.Content
          className={cx("rise fixed top-1/2 left-1/2 z-40 flex max-h-[calc(100dvh-32px)] w-[min(440px,calc(100vw-32px))] -translate-x-1/2 -translate-y-1/2 flex-col rounded-lg border border-line bg-panel shadow-dialog outline-none", className)}
          onOpenAutoFocus={focusIn}
          {...(text ? {} : { "aria-describedby": undefined })}
        >
          <div className="flex items-start justify-between gap-4 px-5 pt-4 pb-3">
            <div className="min-w-0">
              <D.Title className="text-title font-unread">{title}</D.Title>
              {text && <D.Description className="mt-1 text-muted">{text}</D.Description>}
            </div>
            <D.Close aria-label="Close dialog" className="-mr-1.5 inline-flex size-7 shrink-0 items-center justify-center rounded-sm text-muted hover:bg-hover hover:text-fg max-pane:size-11">
              <X className="size-4" />
            </D.Close>
          </div>
          {children}
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}

/** A panel that comes from the left edge: the navigation on a phone. */
export function Sheet({ open, onClose, title, children }: { open: boolean; onClose: () => void; title: string; children: ReactNode }) {
  return (
    <D.Root open={open} onOpenChange={(o) => !o && onClose()}>
      <D.Portal>
        <D.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <D.Content aria-describedby={undefined} onOpenAutoFocus={focusIn} className="slide fixed inset-y-0 left-0 z-40 flex w-[min(320px,86vw)] flex-col border-e border-line bg-canvas outline-none">
          <D.Title className="sr-only">{title}</D.Title>
          {children}
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}

/** A panel that comes from the right edge: what has no room beside the conversation. */
export function SideSheet({ open, onClose, title, children }: { open: boolean; onClose: () => void; title: string; children: ReactNode }) {
  return (
    <D.Root open={open} onOpenChange={(o) => !o && onClose()}>
      <D.Portal>
        <D.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <D.Content aria-describedby={undefined} onOpenAutoFocus={focusIn} className="rise fixed inset-y-0 right-0 z-40 flex w-[min(340px,92vw)] flex-col border-s border-line bg-panel outline-none">
          <D.Title className="sr-only">{title}</D.Title>
          {children}
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}
