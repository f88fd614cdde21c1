import { CloudOff, LoaderCircle } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { liveState } from "../live/live";
import { useStore } from "../state/store";

const online = (fn: () => void): (() => void) => {
  addEventListener("online", fn);
  addEventListener("offline", fn);
  return () => { removeEventListener("online", fn); removeEventListener("offline", fn); };
};

/** Says when the page may be behind. A short break is not worth a banner. */
export function ConnectionBanner() {
  const isOnline = useSyncExternalStore(online, () => navigator.onLine);
  const live = useStore(liveState);
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (live === "live") { setLate(false); return; }
    const t = setTimeout(() => setLate(true), 2500);
    return () => clearTimeout(t);
  }, [live]);
  if (isOnline && !late) return null;
  return (
    <div role="status" className="flex min-h-8 shrink-0 items-center justify-center gap-2 bg-warn-soft px-4 py-1 text-center text-warn">
      {isOnline ? <LoaderCircle className="size-4 shrink-0 animate-spin" aria-hidden /> : <CloudOff className="size-4 shrink-0" aria-hidden />}
      {isOnline
        ? "Connecting to the hub again. What you see may be a little old; drafts are kept on this computer."
        : "Offline. You can read what is loaded and write; drafts are kept on this computer until the connection is back."}
    </div>
  );
}
