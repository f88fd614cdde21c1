import type { Ticket } from "../api/types";
import { useKeys } from "../keys/keys";
import { assign, reopen, resolve } from "../state/act";
import { useMe } from "../state/me";
import { picking } from "../state/ui";
import { toast } from "../ui/toast";

export const isOpen = (t: Ticket): boolean => t.status === "open" || t.status === "pending";

export const linkTo = (t: Ticket): string => `${location.origin}/t/${t.number}`;

export async function copy(text: string, said: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    toast("Not copied", { tone: "problem", detail: "The browser did not give access to the clipboard." });
  }
}

/** The keys that act on one request, whether it is open or only the cursor is on it. */
export function TicketKeys({ ticket: t, onResolved }: { ticket: Ticket; onResolved?: () => void }) {
  const me = useMe();
  useKeys([
    { id: "assign", title: "Assign to…", group: "Request", keys: ["a"], palette: true, run: () => picking.set({ kind: "assign", ticket: t }) },
    { id: "assign-me", title: "Assign to me", group: "Request", keys: ["i"], palette: true, run: () => void assign(t, { id: me.id, name: me.name }, me.id) },
    ...(t.assignee ? [{ id: "unassign", title: "Remove the assignee", group: "Request" as const, keys: [], palette: true, run: () => void assign(t, null, me.id) }] : []),
    { id: "priority", title: "Set the priority…", group: "Request", keys: ["p"], palette: true, run: () => picking.set({ kind: "priority", ticket: t }) },
    { id: "tag", title: "Change tags…", group: "Request", keys: ["t"], palette: true, run: () => picking.set({ kind: "tag", ticket: t }) },
    { id: "resolve", title: isOpen(t) ? "Resolve" : "Reopen", group: "Request", keys: ["e"], palette: true, run: () => void (isOpen(t) ? resolve(t) : reopen(t)) },
    ...(onResolved && isOpen(t) ? [{
      id: "resolve-next", title: "Resolve and go to the next", group: "Request" as const, keys: ["Shift+E"], palette: true,
      run: () => { void resolve(t); onResolved(); },
    }] : []),
    { id: "copy-link", title: "Copy the link", group: "Request", keys: ["l"], palette: true, run: () => void copy(linkTo(t), "Link copied") },
  ]);
  return null;
}
