// Periods of the schedule: ISO 8601 durations of one unit, such as "P24M" and "PT24H".

export const units = [["Y", "years"], ["M", "months"], ["D", "days"], ["H", "hours"]] as const;
export type Unit = (typeof units)[number][0];

/** The number and unit of a period; of one with several units nothing, since a form cannot show it. */
export function period(iso: string): { n: number; unit: Unit } | undefined {
  const m = /^P(?:(\d+)([YMD])|T(\d+)(H))$/.exec(iso);
  return m ? { n: Number(m[1] ?? m[3]), unit: (m[2] ?? m[4]) as Unit } : undefined;
}

export const iso = (n: number, unit: Unit): string => (unit === "H" ? `PT${n}H` : `P${n}${unit}`);
