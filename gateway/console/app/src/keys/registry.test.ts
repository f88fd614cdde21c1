import { afterEach, beforeEach, expect, test } from "vitest";
import { isSingle, type Key, keyCaps, KeyRegistry } from "./registry";

let ran: string[] = [];
let singles = true;
let blocked = false;
let registry: KeyRegistry;

const key = (id: string, keys: string[], more: Partial<Key> = {}): Key => ({ id, title: id, group: "Anywhere", keys, run: () => { ran.push(id); }, ...more });

beforeEach(() => {
  ran = [];
  singles = true;
  blocked = false;
  registry = new KeyRegistry({ singleKeys: () => singles, blocked: () => blocked });
  window.addEventListener("keydown", registry.handle);
});
afterEach(() => { window.removeEventListener("keydown", registry.handle); document.body.innerHTML = ""; });

function press(k: string, more: KeyboardEventInit = {}, on: EventTarget = document.body): KeyboardEvent {
  const e = new KeyboardEvent("keydown", { key: k, bubbles: true, cancelable: true, ...more });
  on.dispatchEvent(e);
  return e;
}

test("a letter, a chord and a sequence run their action", () => {
  registry.add([key("reply", ["r"]), key("palette", ["Control+k"]), key("go", ["g u"])]);
  expect(press("r").defaultPrevented).toBe(true);
  press("k", { ctrlKey: true });
  press("g");
  press("u");
  expect(ran).toEqual(["reply", "palette", "go"]);
});

test("the end of a sequence is not a key of its own", () => {
  registry.add([key("back", ["u"]), key("go", ["g u"])]);
  press("g");
  press("u");
  press("u");
  expect(ran).toEqual(["go", "back"]);
});

test("a letter with a modifier is not the letter", () => {
  registry.add([key("reply", ["r"])]);
  press("r", { ctrlKey: true });
  press("r", { metaKey: true });
  expect(ran).toEqual([]);
});

test("typing in a field runs only what is meant for it", () => {
  document.body.innerHTML = "<textarea></textarea>";
  const area = document.querySelector("textarea")!;
  registry.add([key("reply", ["r"]), key("send", ["Control+Enter"], { inInput: true })]);
  press("r", {}, area);
  press("Enter", { ctrlKey: true }, area);
  expect(ran).toEqual(["send"]);
});

test("an input method keeps its keys", () => {
  registry.add([key("reply", ["r"])]);
  press("r", { isComposing: true });
  expect(ran).toEqual([]);
});

test("single letters can be switched off, chords stay", () => {
  registry.add([key("reply", ["r"]), key("go", ["g u"]), key("search", ["/"]), key("palette", ["Control+k"]), key("back", ["Escape"])]);
  singles = false;
  for (const k of ["r", "g", "u", "/"]) press(k);
  press("k", { ctrlKey: true });
  press("Escape");
  expect(ran).toEqual(["palette", "back"]);
});

test("a dialog keeps letters for itself", () => {
  registry.add([key("reply", ["r"]), key("palette", ["Control+k"], { inInput: true })]);
  blocked = true;
  press("r");
  press("k", { ctrlKey: true });
  expect(ran).toEqual(["palette"]);
});

test("the newest entry wins and going away gives the key back", () => {
  registry.add([key("list", ["u"])]);
  const remove = registry.add([key("page", ["u"])]);
  press("u");
  remove();
  press("u");
  expect(ran).toEqual(["page", "list"]);
  expect(registry.find("page")).toBeUndefined();
});

test("which bindings are single characters", () => {
  expect(["r", "g u", "/", "Shift+?", "Shift+E"].every(isSingle)).toBe(true);
  expect(["$mod+k", "Control+Enter", "$mod+Shift+Enter", "Escape", "Home"].some(isSingle)).toBe(false);
});

test("caps as they stand on a key", () => {
  expect(keyCaps("g u")).toEqual(["G", "U"]);
  expect(keyCaps("Shift+?")).toEqual(["?"]);
  expect(keyCaps("Shift+E")).toEqual(["⇧", "E"]);
  expect(keyCaps("Control+Shift+Enter")).toEqual(["Ctrl", "⇧", "↵"]);
});
