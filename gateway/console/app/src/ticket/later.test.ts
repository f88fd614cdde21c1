import { expect, test } from "vitest";
import { laterTimes } from "./later";

const labels = (now: Date): string[] => laterTimes(now).map((t) => t.label);

test("later is this afternoon, tomorrow, or Monday, and always to come", () => {
  const thursday = new Date(2026, 10, 19, 9, 30);
  expect(labels(thursday)).toEqual(["This afternoon, 14:00", "Tomorrow, 08:00", "Monday, 08:00"]);
  expect(new Date(laterTimes(thursday)[2]!.iso)).toEqual(new Date(2026, 10, 23, 8));
  expect(labels(new Date(2026, 10, 22, 18))).toEqual(["Tomorrow, 08:00"]);
  expect(new Date(laterTimes(new Date(2026, 10, 23, 13))[1]!.iso)).toEqual(new Date(2026, 10, 30, 8));
});
