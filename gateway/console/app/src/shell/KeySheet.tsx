import { Switch } from "radix-ui";
import { registry } from "../keys/keys";
import { type Key, keyCaps, type KeyGroup } from "../keys/registry";
import { changeSettings, settings } from "../state/settings";
import { useStore } from "../state/store";
import { keySheetOpen } from "../state/ui";
import { Dialog } from "../ui/dialog";
import { Caps } from "../ui/kbd";

const groups: KeyGroup[] = ["Anywhere", "List", "Request", "Writing"];
const fixed: { title: string; caps: string[] }[] = [
  { title: "Move in the list", caps: ["↑", "↓"] }, { title: "First, last", caps: ["Home", "End"] }, { title: "Open", caps: ["↵"] },
];

/** Every key that works now, read from the registry itself. */
export function KeySheet() {
  const entries = useStore(registry.entries);
  const { singleKeys } = useStore(settings);
  const listed = [...new Map(entries.filter((k) => k.keys.length > 0 && !k.quiet).map((k) => [k.id, k])).values()];
  return (
    <Dialog open onClose={() => keySheetOpen.set(false)} title="Keys" className="w-[min(720px,calc(100vw-32px))]">
      <div className="min-h-0 overflow-y-auto px-5 pb-5" tabIndex={0} role="region" aria-label="List of keys">
        <label className="mb-4 flex items-center justify-between gap-4 rounded-md bg-sunken px-3 py-2.5">
          <span><span className="font-strong">Single-letter keys</span><span className="block text-muted">Turn them off if they get in the way of speech input or a screen reader.</span></span>
          <Switch.Root checked={singleKeys} onCheckedChange={(on) => changeSettings({ singleKeys: on })} className="relative h-6 w-10 shrink-0 rounded-full border border-line-strong bg-panel data-[state=checked]:border-accent data-[state=checked]:bg-accent">
            <Switch.Thumb className="block size-4 translate-x-[3px] rounded-full bg-line-strong transition-transform data-[state=checked]:translate-x-[19px] data-[state=checked]:bg-white" />
          </Switch.Root>
        </label>
        <div className="gap-8 pane:columns-2">
          {groups.map((g) => <Group key={g} name={g} keys={listed.filter((k) => k.group === g)} />)}
        </div>
      </div>
    </Dialog>
  );
}

function Group({ name, keys }: { name: KeyGroup; keys: Key[] }) {
  const rows = [...keys.map((k) => ({ title: k.title, caps: keyCaps(k.keys[0]!) })), ...(name === "List" ? fixed : [])];
  if (keys.length === 0) return null;
  return (
    <section className="mb-5 break-inside-avoid">
      <h3 className="mb-1 text-chip font-label text-subtle">{name}</h3>
      <dl>
        {rows.map((r) => (
          <div key={r.title} className="flex min-h-[30px] items-center justify-between gap-3 border-b border-line last:border-0">
            <dt>{r.title}</dt><dd><Caps caps={r.caps} className="inline-flex!" /><span className="sr-only">{r.caps.join(" ")}</span></dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
