import { X } from "lucide-react";
import { Toast as T } from "radix-ui";
import { createStore, useStore } from "../state/store";
import { Caps } from "./kbd";
import { useKeys } from "../keys/keys";

export interface Toast { id: number; text: string; tone: "plain" | "problem"; detail?: string; action?: { label: string; run: () => void }; seconds?: number }

const toasts = createStore<readonly Toast[]>([]);
let last = 0;

/** Says what happened, in the past tense. The newest three stay; an action such as Undo stays usable for 8 seconds, or for as long as it works. */
export function toast(text: string, more: Partial<Omit<Toast, "id" | "text">> = {}): void {
  const t: Toast = { id: ++last, text, tone: "plain", ...more };
  toasts.set((s) => [...s.slice(-2), t]);
}

const drop = (id: number): void => toasts.set((s) => s.filter((t) => t.id !== id));

export function Toaster() {
  const list = useStore(toasts);
  const undoable = list.findLast((t) => t.action?.label === "Undo");
  useKeys([{
    id: "undo", title: "Undo the last change", group: "Anywhere", keys: ["z"],
    run: () => { if (undoable) { undoable.action?.run(); drop(undoable.id); } },
  }]);
  return (
    <T.Provider swipeDirection="left" label="Message">
      {list.map((t) => (
        <T.Root
          key={t.id}
          duration={(t.seconds ?? (t.tone === "problem" ? 15 : 8)) * 1000}
          onOpenChange={(open) => !open && drop(t.id)}
          type={t.tone === "problem" ? "foreground" : "background"}
          className="rise flex items-center gap-3 rounded-md border border-toast-line bg-toast py-2 ps-3.5 pe-2 text-base text-white shadow-menu"
        >
          <div className="min-w-0 flex-1">
            <T.Title className={t.tone === "problem" ? "font-strong" : "font-label"}>{t.text}</T.Title>
            {t.detail && <T.Description className="text-chip text-[#c9ccd4]">{t.detail}</T.Description>}
          </div>
          {t.action && (
            <T.Action
              altText={`${t.action.label}: ${t.text}`}
              onClick={t.action.run}
              className="inline-flex h-7 items-center gap-2 rounded-sm bg-toast-key px-2.5 font-strong hover:brightness-125 focus-visible:outline-white max-pane:h-11"
            >
              {t.action.label}
              {t === undoable && <Caps caps={["Z"]} className="[&_kbd]:border-[#6b7080] [&_kbd]:bg-transparent [&_kbd]:text-white" />}
            </T.Action>
          )}
          <T.Close aria-label="Dismiss" className="inline-flex size-7 items-center justify-center rounded-sm text-[#c9ccd4] hover:bg-toast-key hover:text-white focus-visible:outline-white">
            <X className="size-4" />
          </T.Close>
        </T.Root>
      ))}
      <T.Viewport className="fixed bottom-4 left-1/2 z-50 flex w-[min(440px,calc(100vw-24px))] -translate-x-1/2 flex-col gap-2 outline-none max-pane:bottom-20 split:bottom-5 split:left-[228px] split:w-[336px] split:translate-x-0" />
    </T.Provider>
  );
}
