// When a reply can be sent later, in the agent's own time zone.

/** Moments to offer: this afternoon while it is morning, tomorrow morning, and Monday unless that is tomorrow. */
export function laterTimes(now: Date): { label: string; iso: string }[] {
  const on = (days: number, hour: number): string => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour).toISOString();
  const toMonday = (8 - now.getDay()) % 7 || 7;
  return [
    ...(now.getHours() < 12 ? [{ label: "This afternoon, 14:00", iso: on(0, 14) }] : []),
    { label: "Tomorrow, 08:00", iso: on(1, 8) },
    ...(toMonday > 1 ? [{ label: "Monday, 08:00", iso: on(toMonday, 8) }] : []),
  ];
}
