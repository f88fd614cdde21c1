// Drafts, one per ticket and kind, on this computer only. They survive a closed tab and a lost session.
export type DraftKind = "reply" | "note";

const key = (ticket: string, kind: DraftKind): string => `hub.draft.${kind}.${ticket}`;

export function readDraft(ticket: string, kind: DraftKind): string {
  try { return localStorage.getItem(key(ticket, kind)) ?? ""; } catch { return ""; }
}

/** Keeps the draft; false when the browser has no room or no storage. */
export function writeDraft(ticket: string, kind: DraftKind, text: string): boolean {
  try {
    if (text.trim() === "") localStorage.removeItem(key(ticket, kind));
    else localStorage.setItem(key(ticket, kind), text);
    return true;
  } catch {
    return false;
  }
}

/** Takes all drafts away: on signing out, because they hold customers' words. */
export function clearDrafts(): void {
  try {
    for (const k of Object.keys(localStorage)) if (k.startsWith("hub.draft.")) localStorage.removeItem(k);
  } catch { /* storage is off: nothing was kept */ }
}
