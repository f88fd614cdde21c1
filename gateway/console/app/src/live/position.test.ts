import { expect, test } from "vitest";
import { comparePositions, latest, reached } from "./position";

test("positions are ordered by number, not by letter", () => {
  expect(comparePositions("9", "10")).toBeLessThan(0);
  expect(comparePositions("90071992547409931", "90071992547409930")).toBeGreaterThan(0);
  expect(comparePositions("12", "12")).toBe(0);
});

test("commit and prepare positions are compared part by part", () => {
  expect(comparePositions("12.7", "12.9")).toBeLessThan(0);
  expect(comparePositions("13.1", "12.99")).toBeGreaterThan(0);
  expect(comparePositions("12.9", "12")).toBeLessThan(0);
  expect(comparePositions("12", "12.12")).toBe(0);
});

test("no position is before every position", () => {
  expect(comparePositions("", "0")).toBeLessThan(0);
  expect(reached("", "")).toBe(true);
  expect(reached("5", "")).toBe(true);
  expect(latest("", "3")).toBe("3");
});
