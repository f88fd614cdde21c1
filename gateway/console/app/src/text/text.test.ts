import { expect, test } from "vitest";
import { answerOf } from "./mail";
import { isRich, linkify, splitQuote } from "./quote";
import { ago, dayName, daysApart, duration, groupName, shortTime, until } from "./time";
import { deliveryNames, fileSize, firstName, initials, outboundNames, personName, plural, readable } from "./words";

const now = new Date(2026, 10, 22, 10, 0, 0);
const before = (ms: number): string => new Date(now.getTime() - ms).toISOString();
const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

test("times near now are relative, then dates", () => {
  expect(ago(before(2000), now)).toBe("just now");
  expect(ago(before(20_000), now)).toBe("20 seconds ago");
  expect(ago(before(4 * MIN), now)).toBe("4 min ago");
  expect(ago(before(3 * HOUR), now)).toBe("3 h ago");
  expect(ago(before(50 * DAY), now)).toBe("on 3 Oct");
  expect(until(before(-12 * MIN), now)).toBe("in 12 min");
  expect(until(before(5), now)).toBe("now");
});

test("short times: clock, day, year", () => {
  expect(shortTime(before(HOUR), now)).toBe("09:00");
  expect(shortTime(before(3 * DAY), now)).toBe("19 Nov");
  expect(shortTime(before(400 * DAY), now)).toBe("18 Oct 2025");
  expect(shortTime("nonsense", now)).toBe("");
});

test("days are calendar days, not 24 hours", () => {
  const midnight = new Date(2026, 10, 22, 0, 5);
  expect(daysApart(new Date(2026, 10, 21, 23, 55), midnight)).toBe(1);
  expect(dayName(new Date(2026, 10, 21, 23, 55).toISOString(), midnight)).toBe("Yesterday");
  expect(dayName(before(4 * DAY), now)).toBe("Wednesday");
  expect([0, 1, 3, 9].map((d) => groupName(before(d * DAY), now))).toEqual(["Today", "Yesterday", "Last 7 days", "Earlier"]);
  expect(groupName(before(-5 * MIN), now)).toBe("Today");
});

test("durations", () => {
  expect([40, 600, 7800, 273_120].map(duration)).toEqual(["40 s", "10 min", "2 h 10 min", "3 d 3 h"]);
});

test("words and numbers", () => {
  expect(plural(1, "new request")).toBe("1 new request");
  expect(plural(12_400, "new request")).toBe("12,400 new requests");
  expect([912, 84_213, 4_812_300].map(fileSize)).toEqual(["912 B", "84 kB", "4.8 MB"]);
  expect(readable("too_many_parts")).toBe("Too many parts");
});

test("people", () => {
  expect([initials("Ada Berglund"), initials("ada.b@example.org"), initials(""), initials("李 明")]).toEqual(["AB", "AB", "?", "李明"]);
  expect(firstName("Ada Berglund")).toBe("Ada");
  expect(firstName("ada@example.org")).toBe("ada@example.org");
  expect(personName({ name: "", address: "a@example.org" })).toBe("a@example.org");
  expect(personName({ name: "Ada" }, true)).toBe("Erased customer");
});

test("a quote is cut where the server counted bytes", () => {
  const body = "Grüße aus Köln 👋";
  const text = `${body}\n> quoted`;
  expect(splitQuote(text, new TextEncoder().encode(body).length)).toEqual({ body, quote: "\n> quoted" });
  expect(splitQuote("abc", -1)).toEqual({ body: "abc", quote: "" });
  expect(splitQuote("abc", 99)).toEqual({ body: "abc", quote: "" });
  expect(splitQuote("abc", 0)).toEqual({ body: "", quote: "abc" });
});

test("addresses of the web lead where the server says, others than those and mail addresses nowhere", () => {
  const links = [{ text: "https://a.example/x?y=1", href: "/leave?u=a&m=1" }, { text: "https://a.example/x", href: "/leave?u=b&m=2" }];
  expect(linkify("See https://a.example/x?y=1. Or https://a.example/x, ada@example.org!", links)).toEqual([
    { text: "See " }, { text: "https://a.example/x?y=1", href: "/leave?u=a&m=1" }, { text: ". Or " }, { text: "https://a.example/x", href: "/leave?u=b&m=2" },
    { text: ", " }, { text: "ada@example.org", href: "mailto:ada@example.org" }, { text: "!" },
  ]);
  expect(linkify("https://b.example/ javascript:alert(1) data:text/html,x https://evil@b.example/", []).some((p) => p.href?.includes(":/") || p.href?.startsWith("j"))).toBe(false);
});

test("simple HTML is drawn as text, rich HTML keeps its frame", () => {
  expect(isRich("<p>Hello <b>you</b><br>there</p>")).toBe(false);
  expect(isRich('<table><tr><td bgcolor="red">x</td></tr></table>')).toBe(true);
  expect(isRich('<p style="color:#f00">x</p>')).toBe(true);
});

test("what a mail server answered: sentences for classes, codes as they came", () => {
  expect(answerOf("550 5.1.1", "address")).toEqual({ words: "There is no such address", codes: "550 5.1.1" });
  expect(answerOf("connection_lost")).toEqual({ words: "The connection broke before the answer came", codes: "" });
  expect(answerOf("250", "4bXk2c1jQ7z")).toEqual({ words: "", codes: "250 4bXk2c1jQ7z" });
  expect(answerOf("")).toEqual({ words: "", codes: "" });
});

test("no word for an accepted mail claims that it was delivered or read", () => {
  for (const word of [deliveryNames.accepted, outboundNames.accepted]) expect(word).not.toMatch(/deliver|read|arriv|received/i);
});
