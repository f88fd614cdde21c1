import { expect, test } from "vitest";
import { type Channel, type LiveDeps, type LiveEvent, type LiveState, parse, type Source, startLive } from "./stream";

/** An EventSource whose events a test sends. */
class FakeSource implements Source {
  readyState = 0;
  closed = false;
  private readonly fns = new Map<string, ((e: { data?: string; lastEventId?: string }) => void)[]>();
  constructor(readonly from: string) {}
  addEventListener(type: string, fn: (e: { data?: string; lastEventId?: string }) => void): void {
    this.fns.set(type, [...(this.fns.get(type) ?? []), fn]);
  }
  close(): void { this.closed = true; this.readyState = 2; }
  emit(type: string, data: object = {}): void {
    for (const fn of this.fns.get(type) ?? []) fn({ data: JSON.stringify(data) });
  }
  change(pos: number): void { this.emit("change", { kind: "ticket", id: `t${pos}`, rev: 1, pos: String(pos) }); }
}

/** One browser: tabs share a lock and a channel, as the real ones do. */
class Browser {
  readonly sources: FakeSource[] = [];
  private readonly waiting: (() => void)[] = [];
  private held = false;
  private readonly channels = new Set<{ owner: object; fn?: (e: { data: unknown }) => void }>();

  tab(over: Partial<LiveDeps> = {}) {
    const got: LiveEvent[] = [];
    const states: LiveState[] = [];
    const stop = startLive({
      open: (from) => { const s = new FakeSource(from); this.sources.push(s); return s; },
      channel: () => this.channel(),
      lock: (signal, fn) => this.lock(signal, fn),
      onEvent: (e) => got.push(e),
      onState: (s) => states.push(s),
      wait: () => Promise.resolve(),
      ...over,
    });
    return { got, states, stop, positions: () => got.filter((e) => e.type === "change").map((e) => (e.type === "change" ? e.change.pos : "")) };
  }

  private channel(): Channel {
    const end: { owner: object; fn?: (e: { data: unknown }) => void } = { owner: {} };
    this.channels.add(end);
    return {
      postMessage: (m) => { for (const c of this.channels) if (c !== end) c.fn?.({ data: structuredClone(m) }); },
      addEventListener: (_type, fn) => { end.fn = fn; },
      close: () => this.channels.delete(end),
    };
  }

  private async lock(signal: AbortSignal, fn: () => Promise<void>): Promise<void> {
    if (this.held) await new Promise<void>((r) => this.waiting.push(r));
    if (signal.aborted) { this.waiting.shift()?.(); return; }
    this.held = true;
    await fn();
    this.held = false;
    this.waiting.shift()?.();
  }
}

const settle = async (): Promise<void> => { for (let i = 0; i < 20; i++) await Promise.resolve(); };

test("many tabs read one stream and all of them hear it", async () => {
  const b = new Browser();
  const tabs = [b.tab(), b.tab(), b.tab()];
  await settle();
  expect(b.sources).toHaveLength(1);
  b.sources[0]!.emit("open");
  b.sources[0]!.change(5);
  for (const t of tabs) {
    expect(t.positions()).toEqual(["5"]);
    expect(t.states).toEqual(["live"]);
  }
});

test("when the leading tab closes the next one goes on from its own position", async () => {
  const b = new Browser();
  const first = b.tab();
  const second = b.tab();
  await settle();
  b.sources[0]!.change(5);
  b.sources[0]!.change(6);
  first.stop();
  await settle();
  expect(b.sources).toHaveLength(2);
  expect(b.sources[1]!.from).toBe("6");
  b.sources[1]!.change(6);
  b.sources[1]!.change(7);
  expect(second.positions()).toEqual(["5", "6", "7"]);
  expect(first.positions()).toEqual(["5", "6"]);
});

test("a tab opened later learns the position and state of the stream", async () => {
  const b = new Browser();
  b.tab();
  await settle();
  b.sources[0]!.emit("hello", { pos: "40" });
  const late = b.tab();
  expect(late.got).toEqual([{ type: "hello", pos: "40" }]);
  expect(late.states).toEqual(["live"]);
});

test("an event that was heard already is dropped", async () => {
  const b = new Browser();
  const t = b.tab();
  await settle();
  for (const pos of [7, 7, 6, 8]) b.sources[0]!.change(pos);
  expect(t.positions()).toEqual(["7", "8"]);
});

test("a reset moves the position, also back", async () => {
  const b = new Browser();
  const t = b.tab();
  await settle();
  b.sources[0]!.change(90);
  b.sources[0]!.emit("reset", { pos: "10" });
  b.sources[0]!.change(11);
  expect(t.got.map((e) => e.type)).toEqual(["change", "reset", "change"]);
});

test("a stream refused for good is opened again from where it was", async () => {
  const b = new Browser();
  const t = b.tab();
  await settle();
  b.sources[0]!.emit("open");
  b.sources[0]!.change(3);
  b.sources[0]!.close();
  b.sources[0]!.emit("error");
  await settle();
  expect(b.sources.map((s) => s.from)).toEqual(["", "3"]);
  expect(t.states).toEqual(["live", "reconnecting"]);
  b.sources[1]!.emit("open");
  expect(t.states).toEqual(["live", "reconnecting", "live"]);
});

test("a short break is left to the browser", async () => {
  const b = new Browser();
  const t = b.tab();
  await settle();
  b.sources[0]!.emit("open");
  b.sources[0]!.emit("error");
  await settle();
  expect(b.sources).toHaveLength(1);
  expect(t.states).toEqual(["live", "reconnecting"]);
});

test("without locks every tab reads for itself", async () => {
  const b = new Browser();
  b.tab({ lock: null, channel: () => null });
  b.tab({ lock: null, channel: () => null });
  await settle();
  expect(b.sources).toHaveLength(2);
});

test("stopping closes the stream", async () => {
  const b = new Browser();
  const t = b.tab();
  await settle();
  t.stop();
  await settle();
  expect(b.sources[0]!.closed).toBe(true);
  expect(b.sources).toHaveLength(1);
});

test("what is no event is ignored", () => {
  expect(parse("change", { data: "not json" })).toBeNull();
  expect(parse("change", { data: "{}" })).toBeNull();
  expect(parse("hello", { lastEventId: "4" })).toEqual({ type: "hello", pos: "4" });
});
