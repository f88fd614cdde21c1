import { expect, test } from "vitest";
import type { Ticket } from "../api/types";
import { appendPage, belongs, firstPage, freeze, mergeHead, type Rows } from "./rows";

const at = (minute: number): string => `2026-11-22T09:${String(minute).padStart(2, "0")}:00Z`;
const row = (id: string, minute: number, over: Partial<Ticket> = {}): Ticket => ({
  id, number: 1, subject: id, snippet: "", status: "open", priority: "normal", channel: "email", customer: { id: "c", name: "", address: "" },
  assignee: null, tags: [], created_at: at(0), updated_at: at(minute), revision: 1, unverified: false, last_kind: "inbound", erased: false, ...over,
});
const rows = (items: Ticket[], next = "more"): Rows => ({ items, next, total: 100, position: "1" });
const ids = (r: Rows): string => r.items.map((t) => t.id).join("");

test("pages join without repeating a row that moved between them", () => {
  const r = appendPage(rows([row("a", 9), row("b", 8)]), { items: [row("b", 8), row("c", 7)], next: "", total: 100 });
  expect(ids(r)).toBe("abc");
  expect(r.next).toBe("");
});

test("a fresh head keeps the pages below it and where they end", () => {
  const r = mergeHead(rows([row("a", 9), row("b", 8), row("c", 7), row("d", 6)], "after d"), { items: [row("d", 30), row("a", 9)], next: "after a", total: 100 }, "2");
  expect(ids(r)).toBe("dabc");
  expect(r.next).toBe("after d");
  expect(r.position).toBe("2");
});

test("a row that should be in the head and is not has left the view", () => {
  const r = mergeHead(rows([row("a", 9), row("b", 8), row("c", 7), row("d", 6)]), { items: [row("b", 8), row("c", 7)], next: "x", total: 99 }, "2");
  expect(ids(r)).toBe("bcd");
});

test("a head that is the whole list replaces it", () => {
  expect(ids(mergeHead(rows([row("a", 9), row("b", 8)]), { items: [row("b", 8)], next: "", total: 1 }, "2"))).toBe("b");
  expect(ids(mergeHead(undefined, { items: [row("b", 8)], next: "", total: 1 }, "2"))).toBe("b");
});

test("a list in use keeps its order and counts what is new above", () => {
  const shown = rows([row("a", 9), row("b", 8), row("c", 7)]);
  const fresh = rows([row("x", 12), row("c", 11, { subject: "changed" }), row("a", 9), row("b", 8)]);
  const f = freeze(shown, fresh);
  expect(ids(f.rows)).toBe("abc");
  expect(f.rows.items[2]!.subject).toBe("changed");
  expect(f.hidden).toBe(1);
});

test("a list in use still grows at its end and loses what left", () => {
  const f = freeze(rows([row("a", 9), row("b", 8)]), rows([row("b", 8), row("c", 7)]));
  expect(ids(f.rows)).toBe("bc");
  expect(f.hidden).toBe(0);
});

test("nothing shown yet shows everything", () => {
  const f = freeze(firstPage({ items: [], next: "", total: 0 }, "1"), rows([row("a", 9)]));
  expect(ids(f.rows)).toBe("a");
  expect(f.hidden).toBe(0);
});

test("views are told apart as the server does", () => {
  const mine = row("a", 1, { assignee: { id: "me", name: "" } });
  expect([belongs(mine, "mine", "me"), belongs(mine, "unassigned", "me"), belongs(mine, "open", "me")]).toEqual([true, false, true]);
  const done = row("a", 1, { status: "resolved" });
  expect([belongs(done, "open", "me"), belongs(done, "resolved", "me"), belongs(done, "all", "me")]).toEqual([false, true, true]);
  expect(belongs(row("a", 1, { status: "pending" }), "unassigned", "me")).toBe(true);
});

test("rows of one moment stand by id, and fractions of a second count", () => {
  const when = (id: string, updated_at: string): Ticket => ({ ...row(id, 0), updated_at });
  const at = "2026-11-22T09:00:00";
  const head = { items: [when("x", `${at}.5Z`), when("b", `${at}.25Z`)], next: "n", total: 9 };
  const r = mergeHead(rows([when("x", `${at}.5Z`), when("a", `${at}.25Z`), when("gone", `${at}.3Z`), when("c", `${at}.25Z`), when("d", `${at}Z`)], "m"), head, "2");
  expect(r.items.map((t) => t.id)).toEqual(["x", "b", "c", "d"]);
});
