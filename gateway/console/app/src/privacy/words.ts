// Words of the privacy office. A code the console has no words for is shown as it reads.
import { readable } from "../text/words";
import type { Tone } from "../ui/chip";
import type { Erasure, PrivacyRequest, Step, Sweep } from "./queries";

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

export const stateName = (s: string): string => phaseNames[s as Erasure["phase"]] ?? (s === "doubted" ? "In doubt" : readable(s));

const channels: Record<string, string> = { mail: "by mail", agent: "through an agent", centre: "in the privacy centre", center: "in the privacy centre" };
export const channelWords = (c: string): string => channels[c] ?? `by ${readable(c).toLowerCase()}`;

export const sweepNames: Record<Sweep["state"], string> = {
  due: "Due", waiting: "Waits for a decision", approved: "Approved", declined: "Declined", swept: "Done", superseded: "Overtaken",
};
export const sweepTones: Record<Sweep["state"], Tone> = { due: "info", waiting: "warn", approved: "info", declined: "plain", swept: "ok", superseded: "plain" };

/** "hub.RequesterVerified" → "Requester verified". */
export const stepName = (s: Step): string => readable(s.type.replace(/^hub\./, "").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase());

/** "agent:0f3c…" → "Agent 0f3c": the id is enough to find who it was. */
export const actorName = (a: string): string => (/^(agent|customer):/.test(a) ? `${readable(a.split(":")[0]!)} ${a.split(":")[1]!.slice(0, 8)}` : a.startsWith("process:") ? `The hub (${readable(a.slice(8)).toLowerCase()})` : readable(a));

export function overdue(r: PrivacyRequest, now = Date.now()): "late" | "soon" | "" {
  if (r.state !== "open" && r.state !== "received" && r.outcome) return "";
  const left = new Date(r.extended ? r.extended_due : r.due).getTime() - now;
  return left < 0 ? "late" : left < 5 * 86_400_000 ? "soon" : "";
}
