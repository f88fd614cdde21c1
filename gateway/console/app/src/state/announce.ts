// One polite live region for the whole page, at most one message every two seconds.
import { createStore } from "./store";

export const announced = createStore("");
let queue: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(text: string): void {
  queue = [...queue.slice(-2), text];
  timer ??= setTimeout(speak, 50);
}

function speak(): void {
  const [text, ...rest] = queue;
  queue = rest;
  if (text) announced.set(text);
  timer = text ? setTimeout(speak, 2000) : undefined;
}
