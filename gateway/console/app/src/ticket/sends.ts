// Replies and notes on their way. The draft is kept until the server has taken the words.
import { client, newKey } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { command, settled } from "../state/act";
import { type DraftKind, readDraft, writeDraft } from "../state/drafts";
import { createStore } from "../state/store";
import { toast } from "../ui/toast";
import { encoded } from "./files";

export interface Pending { key: string; ticket: string; kind: DraftKind; text: string }

export const sends = createStore<readonly Pending[]>([]);

export interface SendRequest { ticket: string; kind: DraftKind; text: string; resolve: boolean; revision: number; key?: string; sendAt?: string; files?: readonly File[] }
export type SendResult = { ok: true; message: string } | { ok: false; problem: Problem; key: string };

/**
 * Sends what was written on the state the agent saw (`revision`). A refusal or a lost connection leaves the draft
 * as it is; sending the same words again uses the same key, so the customer cannot get them twice.
 */
export async function send(r: SendRequest): Promise<SendResult> {
  const key = r.key ?? newKey();
  sends.set((s) => [...s, { key, ticket: r.ticket, kind: r.kind, text: r.text }]);
  const common = (k: string) => ({ params: { path: { id: r.ticket } }, headers: { "Idempotency-Key": k, ...(r.kind === "reply" && { "If-Match": `"${r.revision}"` }) } });
  try {
    const files = await encoded(r.files ?? []);
    const a = r.kind === "reply"
      ? await command((k) => client.POST("/tickets/{id}/reply", { ...common(k), body: { text: r.text, ...(r.resolve && { resolve: true }), ...(r.sendAt && { send_at: r.sendAt }), ...(files.length > 0 && { files }) } }), key)
      : await command((k) => client.POST("/tickets/{id}/note", { ...common(k), body: { text: r.text } }), key);
    writeDraft(r.ticket, r.kind, "");
    await settled(r.ticket, a.position);
    return { ok: true, message: a.data.message ?? "" };
  } catch (e) {
    return { ok: false, problem: asProblem(e), key };
  } finally {
    sends.set((s) => s.filter((p) => p.key !== key));
  }
}

const writers = new Map<string, (words: string) => void>();

/** Where words that were taken back go while the ticket is open; the answer ends it. */
export function writer(ticket: string, put: (words: string) => void): () => void {
  writers.set(ticket, put);
  return () => { if (writers.get(ticket) === put) writers.delete(ticket); };
}

/** Two texts in one, the earlier first. */
export const joined = (words: string, now: string): string => (now.trim() === "" ? words : `${words}\n\n${now}`);

/** Takes a reply back that has not gone out. Its words become the draft again, before what was written since. */
export async function recall(ticket: string, message: string, words: string): Promise<boolean> {
  try {
    const a = await command((key) => client.POST("/tickets/{id}/recall", { params: { path: { id: ticket } }, headers: { "Idempotency-Key": key }, body: { message } }));
    const put = writers.get(ticket);
    if (put) put(words);
    else writeDraft(ticket, "reply", joined(words, readDraft(ticket, "reply")));
    toast("Reply taken back", { detail: "Nobody got it. Its words are the draft again." });
    await settled(ticket, a.position);
    return true;
  } catch (e) {
    toast("Not taken back", { tone: "problem", detail: asProblem(e).message });
    return false;
  }
}
