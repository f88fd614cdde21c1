// The one door to the gateway. It adds what every call needs (CSRF header, the position to wait for),
// turns every failure into a Problem, and remembers the newest position this browser has written.
import createClient, { type Middleware } from "openapi-fetch";
import { latest } from "../live/position";
import type { paths } from "./schema";
import { offline, Problem } from "./problem";
import type { ProblemBody } from "./types";

const WANT_MS = 5000;
let wanted = "";
let wantedUntil = 0;
let onUnauthenticated: () => void = () => undefined;

/** Says what happens when the session has ended. */
export const setUnauthenticated = (fn: () => void): void => { onUnauthenticated = fn; };
export const unauthenticated = (): void => onUnauthenticated();

/** Reads in the next seconds wait (on the server, at most 2 s) until their view has got to this position. */
export function want(position: string): void {
  if (!position) return;
  wanted = latest(wanted, position);
  wantedUntil = Date.now() + WANT_MS;
}

const headers: Middleware = {
  onRequest({ request }) {
    if (request.method === "GET") {
      if (Date.now() < wantedUntil) request.headers.set("Hub-Position", wanted);
    } else {
      request.headers.set("X-Hub-Csrf", "1");
    }
    return request;
  },
};

const client = createClient<paths>({ baseUrl: `${location.origin}/api/v1` });
client.use(headers);
export { client };

/** 128 random bits. Not crypto.randomUUID: a console on plain http in a local network does not have it. */
export const newKey = (): string => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/** The path and the key of a command about one thing. */
export const keyed = (id: string, key: string) => ({ params: { path: { id } }, headers: { "Idempotency-Key": key } });

export interface Answer<T> { data: T; position: string }

interface Reply<T> { data?: T; error?: unknown; response: Response }

/** Unwraps one call: the data with the view's position, or a thrown Problem. */
export async function call<T>(reply: Promise<Reply<T>>): Promise<Answer<T>> {
  let r: Reply<T>;
  try {
    r = await reply;
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw offline();
  }
  if (!r.response.ok) {
    if (r.response.status === 401) onUnauthenticated();
    const body = r.error && typeof r.error === "object" ? (r.error as ProblemBody) : {};
    throw new Problem(r.response.status, body);
  }
  return { data: r.data as T, position: r.response.headers.get("Hub-Position") ?? "" };
}
