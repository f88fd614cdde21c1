// Words of the privacy office. A code the console has no words for is shown as it reads.
import { readable } from "../text/words";
import type { Tone } from "../ui/chip";
import type { Erasure, Hold, PrivacyRequest, Step, Sweep } from "./queries";

const kinds: Record<string, string> = {
  access: "Access", erasure: "Erasure", rectification: "Correction", restriction: "Restriction", objection: "Objection", portability: "Portability",
};
export const kindName = (k: string): string => kinds[k] ?? readable(k);
export const kindChoices = Object.entries(kinds);

/** Grounds as the law's vocabulary codes them, and what they say. */
const grounds: Record<string, string> = {
  IdentityVerificationFailure: "It could not be proved who asks", LegallyExempted: "A law asks for the data to be kept", LegalClaimDefenceImpaired: "Needed to defend a legal claim",
  LegalClaimEstablishmentImpaired: "Needed to make a legal claim", LegitimateInterestOverride: "Compelling grounds come first", DisproportionateEffortRequired: "It would take disproportionate effort",
  ProcessExcessive: "The request is excessive", CrimeInvestigationImpaired: "It would hinder an investigation", ComplexityOfRequest: "The request is complex", NumberOfRequests: "There are many requests",
};
export const groundName = (g: string): string => grounds[g] ?? readable(g);
const choices = (...codes: string[]): readonly (readonly [string, string])[] => codes.map((c) => [c, groundName(c)]);
export const extensionGrounds = choices("ComplexityOfRequest", "NumberOfRequests");
export const refusalGrounds = choices("IdentityVerificationFailure", "LegallyExempted", "LegalClaimDefenceImpaired", "LegalClaimEstablishmentImpaired", "LegitimateInterestOverride", "DisproportionateEffortRequired", "ProcessExcessive", "CrimeInvestigationImpaired");
export const holdGrounds = choices("LegalClaimDefenceImpaired", "LegalClaimEstablishmentImpaired", "LegallyExempted", "CrimeInvestigationImpaired");
/** Letters of GDPR article 18(1). */
export const restrictionGrounds = [["a", "They say the data are wrong"], ["b", "The use is unlawful, they want the data kept"], ["c", "They need the data for a legal claim"], ["d", "They objected, and it is not decided"]] as const;

export const phaseNames: Record<Erasure["phase"], string> = {
  verifying: "Waiting for proof of who asks", scoping: "Finding what is held", approving: "Waits for approval", working: "Erasing",
  verification_failed: "The scan found something", deferred: "Waits for a hold to end", certified: "Certified", closed: "Closed", refused: "Refused", withdrawn: "Withdrawn",
};
export const phaseTones: Record<Erasure["phase"], Tone> = {
  verifying: "plain", scoping: "info", approving: "warn", working: "info", verification_failed: "danger", deferred: "warn", certified: "ok", closed: "ok", refused: "plain", withdrawn: "plain",
};

const requestStates: Record<string, readonly [string, Tone]> = {
  ready: ["Copy is ready", "info"], verified: ["To be done", "info"], received: ["To be done", "info"], scoped: ["Waits for approval", "warn"],
  approved: ["Erasing", "info"], fenced: ["Erasing", "info"], destroyed: ["Erasing", "info"], drained: ["Erasing", "info"], verified_erased: ["Erased, being certified", "info"],
};
/** Where a request stands, in the words of a list. */
export function requestState(r: PrivacyRequest): readonly [string, Tone] {
  if (r.outcome) return [readable(r.outcome), r.outcome === "refused" || r.outcome === "withdrawn" ? "plain" : "ok"];
  if (r.doubted) return ["In doubt", "warn"];
  if (!r.verified) return ["Not verified yet", "plain"];
  const phase = r.state as Erasure["phase"];
  return requestStates[r.state] ?? [phaseNames[phase] ?? readable(r.state), phaseTones[phase] ?? "info"];
}

const channels: Record<string, string> = { mail: "by mail", agent: "through an agent", centre: "in the privacy centre", center: "in the privacy centre" };
export const channelWords = (c: string): string => channels[c] ?? `by ${readable(c).toLowerCase()}`;

export const sweepNames: Record<Sweep["state"], string> = {
  due: "Due", waiting: "Waits for a decision", approved: "Approved", declined: "Declined", swept: "Done", superseded: "Overtaken",
};
export const sweepTones: Record<Sweep["state"], Tone> = { due: "info", waiting: "warn", approved: "info", declined: "plain", swept: "ok", superseded: "plain" };

/** "hub.RequesterVerified" → "Requester verified". */
export const stepName = (s: Step): string => readable(s.type.replace(/^hub\./, "").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase());

export const doubtReasons = [["mismatch", "Their words do not fit what is on file"], ["unusual", "The request is unusual for them"], ["third_party", "Somebody seems to ask for them"]] as const;

export const holdTones: Record<string, Tone> = { proposed: "warn", placed: "info", released: "ok", declined: "plain" };
const pending: Record<string, string> = { place: "Proposed, waits for a second person", release: "Release proposed", extend: "Later review proposed" };
export const holdState = (h: Hold): string => (h.state === "proposed" || h.pending ? pending[h.pending ?? "place"] ?? "Waits for a second person" : h.state === "placed" ? "In force" : readable(h.state));

export const demandKinds = [["court", "Court"], ["authority", "Authority"], ["claim", "Claim of a party"]] as const;
const demandStates: Record<string, readonly [string, Tone]> = {
  received: ["To be reviewed", "warn"], valid: ["Waits for approval", "warn"], invalid: ["Not valid", "plain"], approved_once: ["Waits for a second person", "warn"],
  approved: ["Approved", "info"], sealed: ["Package made", "info"], delivered: ["Handed out", "ok"],
};
export const demandState = (s: string): readonly [string, Tone] => demandStates[s] ?? [readable(s), "plain"];

export const caseKinds = [["fraud", "Fraud"], ["dispute", "Dispute"]] as const;
export const caseOutcomes = [["cleared", "Nothing in it"], ["settled", "Settled"], ["enforced", "A rule was enforced"], ["handed_over", "Handed to an authority"]] as const;

const transferStates: Record<string, readonly [string, Tone]> = {
  announced: ["Announced", "info"], noticed: ["Everybody was written to", "info"], exported: ["Exported, waits for the receipt", "warn"], completed: ["Received there, keys to be destroyed", "warn"], shredded: ["Handed over", "ok"],
  expected: ["Expected here", "info"], imported: ["Taken in", "ok"],
};
export const transferState = (s: string): readonly [string, Tone] => transferStates[s] ?? [readable(s), "plain"];

const consentStates: Record<string, readonly [string, Tone]> = {
  asked: ["Asked, no answer yet", "plain"], live: ["Given", "ok"], withdrawn: ["Taken back", "plain"], objected: ["Objected", "warn"],
};
export const consentState = (s: string): readonly [string, Tone] => consentStates[s] ?? [readable(s), "plain"];

export function overdue(r: PrivacyRequest, now = Date.now()): "late" | "soon" | "" {
  if (r.state !== "open" && r.state !== "received" && r.outcome) return "";
  const left = new Date(r.extended ? r.extended_due : r.due).getTime() - now;
  return left < 0 ? "late" : left < 5 * 86_400_000 ? "soon" : "";
}
