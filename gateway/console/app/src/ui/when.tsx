import { useEffect, useState } from "react";
import { exactTime } from "../text/time";
import { cx } from "./cx";

/** The present, again every `ms`: relative words grow old with the page open. */
export function useNow(ms = 30_000): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const t = setInterval(() => setNow(new Date()), ms);
    return () => clearInterval(t);
  }, [ms]);
  return now;
}

/** A moment, said by `say`; the exact time is in its title. */
export function When({ at, say, className }: { at: string; say: (iso: string, now: Date) => string; className?: string }) {
  const now = useNow();
  return <time dateTime={at} title={exactTime(at)} className={cx("tnum whitespace-nowrap", className)}>{say(at, now)}</time>;
}
