// Files that go with a reply. They are kept in memory only: a draft on this computer holds words, not files.
import type { components } from "../api/schema";

export type NewFile = components["schemas"]["NewFile"];

const MOST = 20;
const BYTES = 25 * 1024 * 1024;

/** Why these files cannot go together; nothing when they can. */
export function tooMuch(files: readonly File[]): string {
  if (files.length > MOST) return `A reply takes ${MOST} files at most.`;
  return files.reduce((n, f) => n + f.size, 0) > BYTES ? "A reply takes 25 MB of files at most." : "";
}

/** Adds files to those chosen before; the same one is not added twice. */
export const added = (now: readonly File[], more: readonly File[]): File[] =>
  [...now, ...more.filter((f) => !now.some((x) => x.name === f.name && x.size === f.size && x.lastModified === f.lastModified))];

/** Reads files as the API takes them. */
export const encoded = (files: readonly File[]): Promise<NewFile[]> => Promise.all(files.map((f) => new Promise<NewFile>((ok, fail) => {
  const r = new FileReader();
  r.onload = () => ok({ name: f.name, content: String(r.result).replace(/^[^,]*,/, ""), ...(f.type && { type: f.type }) });
  r.onerror = () => fail(new Error(`${f.name} could not be read.`));
  r.readAsDataURL(f);
})));
