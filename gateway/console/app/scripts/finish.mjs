// After vite build: writes compressed variants beside every text file and checks the budgets. Fails the build when the
// page has grown beyond them.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = resolve(import.meta.dirname, "../../dist");
const LIMITS = { "initial JS": 200_000, CSS: 20_000 };
const SMALL = 1024;
const TEXT = new Set([".js", ".css", ".svg", ".json", ".txt"]);

const files = (dir) => readdirSync(dir).flatMap((name) => {
  const path = join(dir, name);
  return statSync(path).isDirectory() ? files(path) : [path];
});

const html = readFileSync(join(dist, "index.html"), "utf8");
const linked = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1]);
const gzipped = (names) => names.reduce((n, f) => n + gzipSync(readFileSync(join(dist, f)), { level: 9 }).length, 0);
const sizes = {
  "initial JS": gzipped(linked.filter((f) => f.endsWith(".js"))),
  CSS: gzipped(linked.filter((f) => f.endsWith(".css"))),
};

for (const path of files(dist)) {
  const raw = readFileSync(path);
  if (!TEXT.has(extname(path)) || raw.length < SMALL) continue;
  writeFileSync(`${path}.gz`, gzipSync(raw, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length } }));
}

let over = false;
for (const [what, size] of Object.entries(sizes)) {
  const limit = LIMITS[what];
  process.stdout.write(`${what}: ${(size / 1000).toFixed(1)} kB gzip of ${limit / 1000} kB\n`);
  if (size === 0 || size > limit) over = true;
}
if (over) {
  process.stderr.write("The console is over its budget, or a part of it is missing. Load the new part lazily or leave it out.\n");
  process.exit(1);
}
