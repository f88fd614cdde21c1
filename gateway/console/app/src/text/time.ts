// Times as people read them: the clock today, then the day; the exact time is for tooltips.
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "long" });
const dayClock = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

const DAY = 86_400_000;
const midnight = (d: Date): number => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
/** Whole calendar days between two moments, in local time; summer time does not shift it. */
export const daysApart = (then: Date, now: Date): number => Math.round((midnight(now) - midnight(then)) / DAY);

/** "09:41" today, "3 Oct" this year, "3 Oct 2025" before. */
export function shortTime(iso: string, now: Date = new Date()): string {
  const t = new Date(iso);
  if (Number.isNaN(t.getTime())) return "";
  if (daysApart(t, now) === 0) return clock.format(t);
  return t.getFullYear() === now.getFullYear() ? day.format(t) : dayYear.format(t);
}

export const clockTime = (iso: string): string => clock.format(new Date(iso));
export const fullDate = (iso: string): string => dayYear.format(new Date(iso));
/** "Mon 23 Nov, 08:00": a moment ahead. */
export const whenWords = (iso: string): string => dayClock.format(new Date(iso));
export const exactTime = (iso: string): string => exact.format(new Date(iso));

/** "just now", "20 seconds ago", "4 min ago", "3 h ago", then the date. */
export function ago(iso: string, now: Date = new Date()): string {
  const s = Math.round((now.getTime() - new Date(iso).getTime()) / 1000);
  if (s < 5) return "just now";
  if (s < 60) return `${s} seconds ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `on ${shortTime(iso, now)}`;
}

/** "in 12 min", "in 3 h", "now" when it is due. */
export function until(iso: string, now: Date = new Date()): string {
  const s = Math.round((new Date(iso).getTime() - now.getTime()) / 1000);
  if (s <= 0) return "now";
  if (s < 60) return `in ${s} s`;
  if (s < 3600) return `in ${Math.ceil(s / 60)} min`;
  if (s < 86_400) return `in ${Math.round(s / 3600)} h`;
  return `on ${shortTime(iso, now)}`;
}

/** The heading a moment falls under in a list or a conversation. */
export function dayName(iso: string, now: Date = new Date()): string {
  const t = new Date(iso);
  const n = daysApart(t, now);
  if (n <= 0) return "Today";
  if (n === 1) return "Yesterday";
  if (n < 7) return weekday.format(t);
  return t.getFullYear() === now.getFullYear() ? day.format(t) : dayYear.format(t);
}

/** Groups of a list: finer near now, coarse further back. */
export function groupName(iso: string, now: Date = new Date()): string {
  const n = daysApart(new Date(iso), now);
  if (n <= 0) return "Today";
  if (n === 1) return "Yesterday";
  return n < 7 ? "Last 7 days" : "Earlier";
}

/** "3 d 4 h", "2 h 10 min", "40 s". */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}
