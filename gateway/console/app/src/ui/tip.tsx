import { Tooltip } from "radix-ui";
import type { ReactElement, ReactNode } from "react";
import { KeyOf } from "./kbd";

export const TipProvider = ({ children }: { children: ReactNode }) => (
  <Tooltip.Provider delayDuration={400} skipDelayDuration={200}>{children}</Tooltip.Provider>
);

/** A short name for a control, with its key. Never the only place for something that has to be read. */
export function Tip({ text, keyOf, children }: { text: string; keyOf?: string; children: ReactElement }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          sideOffset={6}
          collisionPadding={8}
          className="rise z-50 flex max-w-72 items-center gap-2 rounded-sm border border-toast-line bg-toast px-2 py-1 text-chip text-white shadow-menu"
        >
          {text}
          {keyOf && <KeyOf id={keyOf} className="[&_kbd]:border-transparent [&_kbd]:bg-toast-key [&_kbd]:text-white" />}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
