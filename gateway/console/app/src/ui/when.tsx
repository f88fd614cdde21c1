import { useEffect, useState } from "react";
import { createStore, type Store, useStore } from "../state/store";
import { exactTime } from "../text/time";
import { cx } from "./cx";

/** One clock for all times on the page. */
const clock: Store<Date> = createStore(new Date());
setInterval(() => clock.set(new Date()), 30_000);

/** The present, again every `ms`: relative words grow old with the page open. */
export function useNow(ms: number): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const t = setInterval(() => setNow(new Date()), ms);
    return () => clearInterval(t);
  }, [ms]);
  return now;
}

/** A moment, said by `say`; the exact time is in its title. */
export function When({ at, say, className }: { at: string; say: (iso: string, now: Date) => string; className?: string }) {
  useStore(clock);
  return <time dateTime={at} title={exactTime(at)} className={cx("tnum whitespace-nowrap", className)}>{say(at, new Date())}</time>;
}
