import { expect, test } from "vitest";
import type { HistoryItem, Message } from "../api/types";
import { startsOpen, timeline } from "./timeline";

const now = new Date("2026-11-22T12:00:00Z");
const message = (id: string, at: string, over: Partial<Message> = {}): Message => ({
  id, kind: "inbound", from: { name: "", address: "" }, to: [], cc: [], at, text: "", html: "", has_html: false, quote_from: -1, attachments: [], links: [], send_at: null, state: "plain",
  unverified: false, keep_until: null, delivery: "", delivery_detail: "", class: "human", warnings: [], why: "", agent: null, remote_images: 0, raw: true, redacted: false, subject: "", position: "", ...over,
});
const event = (position: string, at: string, type = "TagAdded"): HistoryItem => ({ position, at, type, actor: "", text: type });

test("messages and events stand in the order of the log, under their days", () => {
  const lines = timeline(
    [message("m1", "2026-11-20T09:00:00Z", { position: "1" }), message("m2", "2026-11-22T09:00:00Z", { position: "4" })],
    [event("2", "2026-11-20T09:00:01Z"), event("3", "2026-11-20T09:00:02Z"), event("5", "2026-11-22T09:30:00Z")], now,
  );
  expect(lines.map((l) => l.kind)).toEqual(["day", "message", "events", "day", "message", "events"]);
  expect(lines[2]).toMatchObject({ items: [{ position: "2" }, { position: "3" }] });
});

test("an event is not told twice", () => {
  const lines = timeline(
    [message("m1", "2026-11-22T09:00:00Z", { position: "7" })],
    [event("7", "2026-11-22T09:00:00Z", "Something"), event("8", "2026-11-22T09:00:01Z", "hub.NoteAdded"), event("9", "2026-11-22T09:00:02Z", "ReplyWritten")], now,
  );
  expect(lines.map((l) => l.kind)).toEqual(["day", "message"]);
});

test("the newest people's words start open, machines' do not", () => {
  const all = Array.from({ length: 8 }, (_, i) => message(`m${i}`, now.toISOString(), i === 6 ? { kind: "auto" } : {}));
  expect([...startsOpen(all)]).toEqual(["m2", "m3", "m4", "m5", "m7"]);
});
