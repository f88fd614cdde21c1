import type { ProblemBody } from "./types";

/** What the server said no to, or why it could not be reached. `code` is stable; `detail` is for people. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly requestId: string;
  readonly body: ProblemBody;

  constructor(status: number, body: ProblemBody) {
    const parts = (body.errors ?? []).map((e) => e.message).filter(Boolean);
    super(parts.length > 0 ? parts.join(" ") : body.detail || body.title || "The server gave no reason.");
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? (status === 0 ? "offline" : "unknown");
    this.requestId = body.request_id ?? "";
    this.body = body;
  }
}

export const offline = (): Problem =>
  new Problem(0, { title: "No connection", detail: "The server could not be reached.", code: "offline" });

export const asProblem = (e: unknown): Problem =>
  e instanceof Problem ? e : new Problem(0, { detail: e instanceof Error ? e.message : String(e), code: "unknown" });
