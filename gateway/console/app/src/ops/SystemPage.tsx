import { useQuery } from "@tanstack/react-query";
import { systemQuery } from "../api/queries";
import type { System } from "../api/types";
import { duration } from "../text/time";
import { count, plural, readable } from "../text/words";
import { Chip } from "../ui/chip";
import { Card, OpsPage, td, th, Waiting } from "./OpsPage";

const shown = (p: string): string => (/^\d{1,15}$/.test(p) ? count(Number(p)) : p);

export function SystemPage() {
  const query = useQuery(systemQuery);
  const s = query.data;
  return (
    <OpsPage title="System" intro="How far each view has read the log. A view that is behind shows data that is a little old; nothing is lost.">
      {!s ? <Waiting what="The state of the system" of={[query]} /> : (
          <>
            <dl className="grid grid-cols-2 gap-3 pane:grid-cols-3">
              <Fact name="State" value={<Chip tone={s.ready ? "ok" : "warn"}>{s.ready ? "Ready" : "Starting"}</Chip>} />
              <Fact name="Version" value={s.version} />
              <Fact name="Running for" value={duration(s.uptime_seconds)} />
              <Fact name="Head of the log" value={<span className="font-mono">{shown(s.head)}</span>} />
              <Fact name="Store" value={readable(s.store)} />
              <Fact name="Bus" value={readable(s.bus)} />
            </dl>
            <Card>
              <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Views">
                <table className="w-full min-w-80">
                  <caption className="sr-only">Views and how far they have read</caption>
                  <thead className="border-b border-line"><tr><th className={`${th} text-start`}>View</th><th className={`${th} text-end max-pane:hidden`}>Position</th><th className={`${th} text-end`}>Behind</th><th className={`${th} text-start`}>State</th></tr></thead>
                  <tbody>{s.projections.map((p) => <Row key={p.name} projection={p} />)}</tbody>
                </table>
              </div>
            </Card>
          </>
        )}
    </OpsPage>
  );
}

const Fact = ({ name, value }: { name: string; value: React.ReactNode }) => (
  <div className="min-w-0 rounded-lg border border-line px-4 py-3"><dt className="text-chip text-subtle">{name}</dt><dd className="mt-0.5 truncate font-strong">{value}</dd></div>
);

function Row({ projection: p }: { projection: System["projections"][number] }) {
  const behind = p.lag_events > 0;
  const old = p.lag_seconds > 30;
  return (
    <tr className="border-b border-line last:border-0">
      <th scope="row" className={`${td} text-start font-label`}>{readable(p.name)}</th>
      <td className={`${td} text-end font-mono text-chip max-pane:hidden`}>{shown(p.position)}</td>
      <td className={`${td} tnum text-end ${old ? "text-warn" : "text-muted"}`}>{behind ? `${plural(p.lag_events, "event")}, ${duration(p.lag_seconds)}` : "–"}</td>
      <td className={td}><Chip tone={old ? "warn" : behind ? "info" : "ok"}>{old ? "Behind" : behind ? "Catching up" : "Up to date"}</Chip></td>
    </tr>
  );
}
