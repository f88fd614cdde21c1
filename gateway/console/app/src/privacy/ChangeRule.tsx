import { useState } from "react";
import { call, client } from "../api/client";
import { command } from "../state/act";
import { count, plural } from "../text/words";
import { AskDialog } from "../ui/AskDialog";
import { toast } from "../ui/toast";
import { iso, period, type Unit, units } from "./period";
import { again, type Rule, type Schedule, type ScheduleChange, type ScheduleEffect } from "./queries";

const anchors = [["collected", "its collection"], ["process", "the end of the matter"], ["relationship", "the last activity"]] as const;

/** Changes one rule of the schedule in two steps: what it shall be, then what that would do. */
export function ChangeRule({ rule: r, schedule, onClose }: { rule: Rule; schedule: Schedule; onClose: () => void }) {
  const [plan, setPlan] = useState<{ change: ScheduleChange; version: number; effect: ScheduleEffect | undefined; sentence: string } | null>(null);
  const now = period(r.keep);
  if (plan) {
    return (
      <AskDialog key="sure" danger title="Change the schedule?" act="Change the schedule" onClose={onClose}
        text={<>{r.class}: {r.sentence.toLowerCase()} becomes {plan.sentence}.</>}
        onAct={async () => {
          await command((key) => client.POST("/privacy/schedule", { headers: { "Idempotency-Key": key }, body: { ...plan.change, version: plan.version } }));
          toast("Schedule changed");
          again();
        }}>
        <Effect effect={plan.effect} />
      </AskDialog>
    );
  }
  return (
    <AskDialog key="what" title={`Change ${r.class}`} text={r.what} act="See what it would do" stay onClose={onClose}
      fields={[
        { name: "n", label: "Kept for", kind: "number", value: now ? String(now.n) : "" }, { name: "unit", label: "Unit", kind: "choice", choices: units, value: now?.unit ?? "M" },
        { name: "anchor", label: "From", kind: "choice", choices: anchors, value: r.anchor },
        { name: "reason", label: "Why", hint: "It stands in the history of the schedule." },
        { name: "ground", label: "Ground to keep old data longer", hint: "Without one, a longer period is only for data collected from now on.", optional: true },
      ]}
      onAct={async (v) => {
        const longer = [...schedule.longer.filter((l) => l.class !== r.class || !v.ground), ...(v.ground ? [{ class: r.class, ground: v.ground }] : [])];
        const change: ScheduleChange = {
          rules: [{ class: r.class, anchor: v.anchor!, keep: iso(Number(v.n), v.unit as Unit), clause: r.clause, ...(r.max && { max: r.max }), ...(r.what && { what: r.what }) }], longer, reason: v.reason!,
        };
        const { data } = await call(client.POST("/privacy/schedule/preview", { body: change }));
        const sentence = `${count(Number(v.n))} ${units.find(([u]) => u === v.unit)![1]} from ${anchors.find(([a]) => a === v.anchor)![1]}`;
        setPlan({ change, version: data.version, effect: data.effects.find((e) => e.class === r.class), sentence });
      }} />
  );
}

function Effect({ effect: e }: { effect: ScheduleEffect | undefined }) {
  if (!e || e.earlier + e.later + e.due === 0) return <p>No key that exists now changes its date.</p>;
  return (
    <ul className="flex flex-col gap-1">
      {e.earlier > 0 && <li>{plural(e.earlier, "key")} of {count(e.keys)} would end earlier.</li>}
      {e.later > 0 && <li>{plural(e.later, "key")} of {count(e.keys)} would end later.</li>}
      {e.due > 0 && <li className="font-strong text-danger">{plural(e.due, "key")} would be due at once.</li>}
    </ul>
  );
}
