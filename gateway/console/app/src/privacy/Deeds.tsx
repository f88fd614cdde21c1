import { useState } from "react";
import { command } from "../state/act";
import { AskDialog, type AskField } from "../ui/AskDialog";
import { Button } from "../ui/button";
import { toast } from "../ui/toast";
import { again } from "./queries";

type Reply = Promise<{ data?: unknown; error?: unknown; response: Response }>;

/** Something that may be done with a thing of the office. Each is confirmed in a dialog, which says what it means. */
export interface Deed<T> {
  name: string;
  text: string;
  kind?: "primary" | "danger" | "ghost";
  fields?: readonly AskField[] | ((x: T) => readonly AskField[]);
  when: (x: T) => boolean;
  /** Why the one who is signed in may not. */
  reason?: (x: T, me: string) => string | undefined;
  done?: string;
  send: (x: T, values: Record<string, string>, key: string) => Reply | Promise<Reply>;
}

export function Deeds<T>({ of, deeds, me }: { of: T; deeds: readonly Deed<T>[]; me: string }) {
  const [deed, setDeed] = useState<Deed<T> | null>(null);
  const possible = deeds.filter((d) => d.when(of));
  if (possible.length === 0) return null;
  // In sight, not in a tooltip: a finger cannot point.
  const reasons = [...new Set(possible.map((d) => d.reason?.(of, me)).filter(Boolean))];
  return (
    <>
      <div className="flex flex-wrap gap-2">
        {possible.map((d) => <Button key={d.name} kind={d.kind} disabled={!!d.reason?.(of, me)} onClick={() => setDeed(d)}>{d.name}…</Button>)}
      </div>
      {reasons.length > 0 && <p className="text-chip text-muted">{reasons.join(" ")}</p>}
      {deed && (
        <AskDialog title={deed.name} text={deed.text} fields={typeof deed.fields === "function" ? deed.fields(of) : deed.fields} act={deed.name} danger={deed.kind === "danger"} onClose={() => setDeed(null)}
          onAct={async (v) => {
            await command(async (key) => deed.send(of, v, key));
            toast(deed.done ?? "Noted");
            again();
          }} />
      )}
    </>
  );
}

export const filled = (v: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(v).filter(([, x]) => x));
