import { expect, test } from "vitest";
import type { Ticket } from "../api/types";
import { applyOverlays, type Overlay, reduceOverlays } from "./overlay";

export const ticket = (over: Partial<Ticket> = {}): Ticket => ({
  id: "t1", number: 1, subject: "s", snippet: "", status: "open", priority: "normal", channel: "email", customer: { id: "c", name: "Ada", address: "ada@example.org" },
  assignee: null, tags: ["old"], created_at: "2026-11-22T08:00:00Z", updated_at: "2026-11-22T09:00:00Z", revision: 3, unverified: false, last_kind: "inbound", erased: false, ...over,
});

const put = (overlay: Overlay) => reduceOverlays([], { do: "put", overlay });

test("a change shows at once on its own ticket only", () => {
  const s = put({ key: "a", ticket: "t1", patch: { status: "resolved" } });
  expect(applyOverlays(ticket(), s, "10").status).toBe("resolved");
  const other = ticket({ id: "t2" });
  expect(applyOverlays(other, s, "10")).toBe(other);
});

test("a taken change stays over older data and leaves newer data alone", () => {
  const s = reduceOverlays(put({ key: "a", ticket: "t1", patch: { status: "resolved" } }), { do: "accept", key: "a", position: "12" });
  expect(applyOverlays(ticket(), s, "11").status).toBe("resolved");
  expect(applyOverlays(ticket(), s, "12").status).toBe("open");
  expect(applyOverlays(ticket(), s, "100").status).toBe("open");
});

test("a refused change is taken back without touching the others", () => {
  let s = put({ key: "a", ticket: "t1", patch: { status: "resolved" } });
  s = reduceOverlays(s, { do: "put", overlay: { key: "b", ticket: "t1", patch: { priority: "urgent" } } });
  s = reduceOverlays(s, { do: "drop", key: "a" });
  expect(applyOverlays(ticket(), s, "1")).toMatchObject({ status: "open", priority: "urgent" });
  expect(reduceOverlays(s, { do: "drop", key: "not there" })).toBe(s);
});

test("later changes win, and tags add up", () => {
  let s = put({ key: "a", ticket: "t1", patch: { assignee: { id: "m", name: "Maya" }, addTags: ["vip"] } });
  s = reduceOverlays(s, { do: "put", overlay: { key: "b", ticket: "t1", patch: { assignee: null, addTags: ["vip", "refund"], removeTags: ["old"] } } });
  const t = applyOverlays(ticket(), s, "1");
  expect(t.assignee).toBeNull();
  expect(t.tags).toEqual(["vip", "refund"]);
  expect(ticket().tags).toEqual(["old"]);
});
