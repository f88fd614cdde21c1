import { type ComponentType, useEffect, useRef, useState } from "react";
import { toast } from "../ui/toast";

/**
 * A part of the page that is fetched when it is first wanted. A fetch that fails says so, takes the wish back and is
 * tried again the next time; it never takes the page down, as a rejected React.lazy would.
 */
export function usePart<P>(wanted: boolean, load: () => Promise<ComponentType<P>>, giveUp: () => void): ComponentType<P> | null {
  const [part, setPart] = useState<{ it: ComponentType<P> } | null>(null);
  const no = useRef(giveUp);
  no.current = giveUp;
  useEffect(() => {
    if (!wanted || part) return;
    let here = true;
    load().then(
      (it) => { if (here) setPart({ it }); },
      () => { if (here) { no.current(); toast("Not opened", { tone: "problem", detail: "This part of the console could not be loaded." }); } },
    );
    return () => { here = false; };
  }, [wanted, part, load]);
  return part?.it ?? null;
}
