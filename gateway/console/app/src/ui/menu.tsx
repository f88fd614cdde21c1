import { Check } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ComponentProps, ReactElement, ReactNode } from "react";
import { cx } from "./cx";
import { KeyOf } from "./kbd";

const item = "flex min-h-[30px] items-center gap-2 rounded-xs px-2 text-base text-fg outline-none select-none data-[disabled]:text-subtle data-[highlighted]:bg-selected max-pane:min-h-[44px]";

interface MenuProps {
  trigger: ReactElement;
  children: ReactNode;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  align?: "start" | "end";
  className?: string;
}

/** Drawn beside its trigger, without a portal: it stays within the landmark or dialog it belongs to. */
export function Menu({ trigger, children, open, onOpenChange, align = "start", className }: MenuProps) {
  return (
    <DropdownMenu.Root open={open} onOpenChange={onOpenChange} modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
        <DropdownMenu.Content
          align={align}
          sideOffset={4}
          collisionPadding={8}
          className={cx("rise z-40 max-h-(--radix-dropdown-menu-content-available-height) min-w-52 overflow-y-auto rounded-md border border-line bg-panel p-1 shadow-menu", className)}
        >
          {children}
        </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}

/** With `asChild` the one child, a link, is the item and brings its own icon. */
export function MenuItem({ icon, keyOf, children, danger, ...rest }: ComponentProps<typeof DropdownMenu.Item> & { icon?: ReactNode; keyOf?: string; danger?: boolean }) {
  const className = cx(item, danger && "text-danger");
  if (rest.asChild) return <DropdownMenu.Item {...rest} className={className}>{children}</DropdownMenu.Item>;
  return (
    <DropdownMenu.Item {...rest} className={className}>
      {icon && <span className="text-muted [&>svg]:size-4">{icon}</span>}
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {keyOf && <KeyOf id={keyOf} />}
    </DropdownMenu.Item>
  );
}

export interface Choice { value: string; label: string; icon?: ReactNode; hint?: string }

export function MenuChoices({ value, choices, onChoose, label }: { value: string; choices: Choice[]; onChoose: (v: string) => void; label?: string }) {
  return (
    <>
      {label && <MenuLabel>{label}</MenuLabel>}
      <DropdownMenu.RadioGroup value={value} onValueChange={onChoose}>
        {choices.map((c) => (
          <DropdownMenu.RadioItem key={c.value} value={c.value} textValue={c.label} className={item}>
            {c.icon}
            <span className="min-w-0 flex-1 truncate">{c.label}</span>
            {c.hint && <span className="text-chip text-subtle">{c.hint}</span>}
            <DropdownMenu.ItemIndicator><Check className="size-4 text-accent-text" /></DropdownMenu.ItemIndicator>
          </DropdownMenu.RadioItem>
        ))}
      </DropdownMenu.RadioGroup>
    </>
  );
}

export const MenuLabel = ({ children }: { children: ReactNode }) => (
  <DropdownMenu.Label className="px-2 py-1.5 text-chip text-subtle">{children}</DropdownMenu.Label>
);
export const MenuLine = () => <DropdownMenu.Separator className="my-1 h-px bg-line" />;
