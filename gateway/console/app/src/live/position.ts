// Order of log positions. A position is an opaque string of a commit and a prepare number ("1234.1230"), or of one
// number when both are the same ("1234"); only its order means anything here.

function parts(p: string): [bigint, bigint] {
  const [commit, prepare] = p.split(/\D+/).filter(Boolean);
  if (commit === undefined) return [-1n, -1n];
  return [BigInt(commit), BigInt(prepare ?? commit)];
}

/** Negative when a is before b, zero when equal, positive when after. An empty position is before every other. */
export function comparePositions(a: string, b: string): number {
  const [x, y] = [parts(a), parts(b)];
  const d = x[0] - y[0] || x[1] - y[1];
  return d < 0n ? -1 : d > 0n ? 1 : 0;
}

export const reached = (have: string, want: string): boolean => comparePositions(have, want) >= 0;

export const latest = (a: string, b: string): string => (comparePositions(a, b) >= 0 ? a : b);
