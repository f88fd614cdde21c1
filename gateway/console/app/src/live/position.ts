// Order of log positions. A position is an opaque string of one or more numbers ("1234", "1234/1230");
// only its order means anything here.

const digits = (p: string): string[] => p.split(/\D+/).filter(Boolean);

/** Negative when a is before b, zero when equal, positive when after. An empty position is before every other. */
export function comparePositions(a: string, b: string): number {
  const x = digits(a);
  const y = digits(b);
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const d = BigInt(x[i] ?? "0") - BigInt(y[i] ?? "0");
    if (d !== 0n) return d < 0n ? -1 : 1;
    if (x[i] === undefined || y[i] === undefined) return x.length - y.length;
  }
  return 0;
}

export const reached = (have: string, want: string): boolean => comparePositions(have, want) >= 0;

export const latest = (a: string, b: string): string => (comparePositions(a, b) >= 0 ? a : b);
