// The live feed wired to what the browser has: EventSource, Web Locks and BroadcastChannel.
import { type LiveDeps, type Source, startLive } from "./stream";

export function startBrowserLive(on: Pick<LiveDeps, "onEvent" | "onState">): () => void {
  return startLive({
    ...on,
    open: (from) => new EventSource(`/api/v1/live${from ? `?from=${encodeURIComponent(from)}` : ""}`) as unknown as Source,
    channel: () => ("BroadcastChannel" in window ? new BroadcastChannel("hub-live") : null),
    // Web Locks need a secure context; without them every tab reads a stream of its own.
    lock: navigator.locks ? (signal, fn) => navigator.locks.request("hub-live", { signal }, fn) : null,
  });
}
