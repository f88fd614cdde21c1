// The live feed: one EventSource per browser. The tab that holds the lock reads the stream and passes events on
// to the other tabs; when it closes, the next tab takes over from the position it has itself.
// A tab never acts twice on one event: events at or before its own position are dropped.
import type { Change } from "../api/types";
import { latest, reached } from "./position";

export type LiveState = "connecting" | "live" | "reconnecting";
export type LiveEvent =
  | { type: "hello"; pos: string }
  | { type: "change"; change: Change }
  | { type: "reset"; pos: string }
  | { type: "session" };

interface SourceEvent { data?: string; lastEventId?: string }
export interface Source {
  readonly readyState: number;
  addEventListener(type: string, fn: (e: SourceEvent) => void): void;
  close(): void;
}
export interface Channel {
  postMessage(m: unknown): void;
  addEventListener(type: "message", fn: (e: { data: unknown }) => void): void;
  close(): void;
}
export interface LiveDeps {
  open(from: string): Source;
  channel(): Channel | null;
  /** Runs fn while this tab is the only holder; resolves when fn does. Null when the browser has no locks. */
  lock: ((signal: AbortSignal, fn: () => Promise<void>) => Promise<unknown>) | null;
  onEvent(e: LiveEvent): void;
  onState(s: LiveState): void;
  wait?(ms: number): Promise<void>;
}

type Wire = { k: "event"; e: LiveEvent } | { k: "state"; s: LiveState } | { k: "who" } | { k: "here"; pos: string; s: LiveState };

const CLOSED = 2;
const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/** Starts following; the returned function stops and gives the lock to another tab. */
export function startLive(deps: LiveDeps): () => void {
  const stop = new AbortController();
  const channel = deps.channel();
  const wait = deps.wait ?? sleep;
  let position = "";
  let state: LiveState = "connecting";
  let leading = false;

  const setState = (s: LiveState): void => {
    if (s !== state) deps.onState(s);
    state = s;
    if (leading) post({ k: "state", s });
  };
  const post = (m: Wire): void => channel?.postMessage(m);
  const take = (e: LiveEvent): void => {
    if (e.type === "session") { deps.onEvent(e); return; }
    const pos = e.type === "change" ? e.change.pos : e.pos;
    if (e.type === "change" && position && reached(position, pos)) return;
    position = e.type === "reset" ? pos : latest(position, pos);
    deps.onEvent(e);
  };

  if (channel) {
    channel.addEventListener("message", ({ data }) => {
      const m = data as Wire;
      if (m.k === "who") { if (leading) post({ k: "here", pos: position, s: state }); return; }
      if (leading) return;
      if (m.k === "event") take(m.e);
      else if (m.k === "state") setState(m.s);
      else { take({ type: "hello", pos: m.pos }); setState(m.s); }
    });
    post({ k: "who" });
  }

  async function lead(): Promise<void> {
    leading = true;
    for (let tries = 0; !stop.signal.aborted; tries++) {
      tries = (await follow()) ? 0 : tries;
      if (stop.signal.aborted) return;
      setState("reconnecting");
      await Promise.race([wait(Math.min(30_000, 1000 * 2 ** tries)), aborted(stop.signal)]);
    }
  }

  /** Reads one EventSource until it is closed for good; true when it had been open. */
  function follow(): Promise<boolean> {
    return new Promise((resolve) => {
      const source = deps.open(position);
      let opened = false;
      const end = (): void => { source.close(); stop.signal.removeEventListener("abort", end); resolve(opened); };
      stop.signal.addEventListener("abort", end);
      source.addEventListener("open", () => { opened = true; setState("live"); });
      source.addEventListener("bye", () => setState("reconnecting"));
      source.addEventListener("error", () => {
        if (source.readyState === CLOSED) end();
        else setState("reconnecting");
      });
      for (const type of ["hello", "change", "reset", "session"] as const) {
        source.addEventListener(type, (raw) => {
          const e = parse(type, raw);
          if (!e) return;
          if (type !== "session") setState("live");
          post({ k: "event", e });
          take(e);
        });
      }
    });
  }

  if (deps.lock) deps.lock(stop.signal, lead).catch(() => undefined);
  else void lead();
  return () => { stop.abort(); channel?.close(); };
}

const aborted = (s: AbortSignal): Promise<void> =>
  new Promise((r) => { if (s.aborted) r(); else s.addEventListener("abort", () => r(), { once: true }); });

/** One stream event, or null when it is not one this version understands. */
export function parse(type: LiveEvent["type"], raw: SourceEvent): LiveEvent | null {
  if (type === "session") return { type };
  let data: Partial<Change>;
  try {
    data = JSON.parse(raw.data || "{}") as Partial<Change>;
  } catch {
    return null;
  }
  const pos = String(data.pos ?? raw.lastEventId ?? "");
  if (type !== "change") return { type, pos };
  if (!data.kind || !data.id) return null;
  return { type, change: { kind: data.kind, id: data.id, rev: data.rev ?? 0, fields: data.fields, pos } };
}
