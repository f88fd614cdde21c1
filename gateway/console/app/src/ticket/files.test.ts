import { expect, test } from "vitest";
import { added, encoded, tooMuch } from "./files";

const file = (name: string, size: number): File => new File([new Uint8Array(size)], name, { type: "text/plain", lastModified: 1 });

test("a file is added once", () => {
  const a = file("a.txt", 3);
  expect(added([a], [a, file("a.txt", 3), file("a.txt", 4)]).map((f) => f.size)).toEqual([3, 4]);
});

test("what is too much for a reply says so before it is sent", () => {
  expect(tooMuch([file("a", 10)])).toBe("");
  expect(tooMuch(Array.from({ length: 21 }, (_, i) => file(`f${i}`, 1)))).toMatch(/20 files/);
  expect(tooMuch([file("big", 25 * 1024 * 1024 + 1)])).toMatch(/25 MB/);
});

test("files are sent in base64 with their type", async () => {
  expect(await encoded([new File(["hub"], "a.txt", { type: "text/plain" })])).toEqual([{ name: "a.txt", type: "text/plain", content: "aHVi" }]);
});
