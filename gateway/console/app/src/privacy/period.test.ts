import { expect, test } from "vitest";
import { iso, period } from "./period";

test("a period is read and written alike", () => {
  for (const p of ["P24M", "P5Y", "P30D", "PT24H"]) {
    const x = period(p)!;
    expect(iso(x.n, x.unit)).toBe(p);
  }
});

test("a period of several units is not shown as one", () => {
  for (const p of ["P1Y6M", "24M", "P", "PT24M", ""]) expect(period(p)).toBeUndefined();
});
