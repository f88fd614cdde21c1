// Words of the privacy office. A code the console has no words for is shown as it reads.
import { readable } from "../text/words";
import type { Tone } from "../ui/chip";
import type { Erasure, PrivacyRequest, Step, Sweep } from "./queries";

const kinds: Record<string, string> = {
  access: "Access", erasure: "Erasure", rectification: "Correction", restriction: "Restriction", objection: "Objection", portability: "Portability",
};
export const kindName = (k: string): string => kinds[k] ?? readable(k);
export const kindChoices = Object.entries(kinds);

export const phaseNames: Record<Erasure["phase"], string> = {
  verifying: "Waiting for proof of who asks", scoping: "Finding what is held", approving: "Waits for a second person", working: "Erasing",
  verification_failed: "The scan found something", deferred: "Waits for a hold to end", certified: "Certified", closed: "Closed", refused: "Refused", withdrawn: "Withdrawn",
};
export const phaseTones: Record<Erasure["phase"], Tone> = {
  verifying: "plain", scoping: "info", approving: "warn", working: "info", verification_failed: "danger", deferred: "warn", certified: "ok", closed: "ok", refused: "plain", withdrawn: "plain",
};

export const sweepNames: Record<Sweep["state"], string> = {
  due: "Due", waiting: "Waits for a decision", approved: "Approved", declined: "Declined", swept: "Done", superseded: "Overtaken",
};
export const sweepTones: Record<Sweep["state"], Tone> = { due: "info", waiting: "warn", approved: "info", declined: "plain", swept: "ok", superseded: "plain" };

/** "hub.RequesterVerified" → "Requester verified". */
export const stepName = (s: Step): string => readable(s.type.replace(/^hub\./, "").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase());

/** "agent:0f3c…" → "Agent 0f3c": the id is enough to find who it was. */
export const actorName = (a: string): string => (a.startsWith("agent:") ? `Agent ${a.slice(6, 14)}` : readable(a));

export function overdue(r: PrivacyRequest, now = Date.now()): "late" | "soon" | "" {
  if (r.state !== "open" && r.state !== "received" && r.outcome) return "";
  const left = new Date(r.extended ? r.extended_due : r.due).getTime() - now;
  return left < 0 ? "late" : left < 5 * 86_400_000 ? "soon" : "";
}
