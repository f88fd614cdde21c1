// Replies and notes on their way. The draft is kept until the server has taken the words.
import { client, newKey } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { command, settled } from "../state/act";
import { type DraftKind, writeDraft } from "../state/drafts";
import { createStore } from "../state/store";

export interface Pending { key: string; ticket: string; kind: DraftKind; text: string }

export const sends = createStore<readonly Pending[]>([]);

export interface SendRequest { ticket: string; kind: DraftKind; text: string; resolve: boolean; revision: number; key?: string }
export type SendResult = { ok: true } | { ok: false; problem: Problem; key: string };

/**
 * Sends what was written on the state the agent saw (`revision`). A refusal or a lost connection leaves the draft
 * as it is; sending the same words again uses the same key, so the customer cannot get them twice.
 */
export async function send(r: SendRequest): Promise<SendResult> {
  const key = r.key ?? newKey();
  sends.set((s) => [...s, { key, ticket: r.ticket, kind: r.kind, text: r.text }]);
  const common = (k: string) => ({ params: { path: { id: r.ticket } }, headers: { "Idempotency-Key": k, ...(r.kind === "reply" && { "If-Match": `"${r.revision}"` }) } });
  try {
    const a = r.kind === "reply"
      ? await command((k) => client.POST("/tickets/{id}/reply", { ...common(k), body: { text: r.text, ...(r.resolve && { resolve: true }) } }), key)
      : await command((k) => client.POST("/tickets/{id}/note", { ...common(k), body: { text: r.text } }), key);
    writeDraft(r.ticket, r.kind, "");
    await settled(r.ticket, a.position);
    return { ok: true };
  } catch (e) {
    return { ok: false, problem: asProblem(e), key };
  } finally {
    sends.set((s) => s.filter((p) => p.key !== key));
  }
}
