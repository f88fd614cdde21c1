import { Link } from "@tanstack/react-router";
import { Lock, Reply } from "lucide-react";
import { memo } from "react";
import type { Ticket, ViewName } from "../api/types";
import { shortTime } from "../text/time";
import { personName, priorityNames, subjectOf } from "../text/words";
import { Avatar } from "../ui/avatar";
import { Chip, type Tone } from "../ui/chip";
import { cx } from "../ui/cx";
import { When } from "../ui/when";

interface RowProps { ticket: Ticket; view: ViewName; q: string; index: number; active: boolean; compact: boolean; onOpen: (t: Ticket) => void }

/** Whether the customer spoke last and nobody has answered. */
export const isWaiting = (t: Ticket): boolean => t.last_kind === "inbound" && (t.status === "open" || t.status === "pending");

/** The one chip a row has room for, by rank. */
function chipOf(t: Ticket): { text: string; tone: Tone } | null {
  if (t.priority === "urgent") return { text: "Urgent", tone: "danger" };
  if (t.unverified) return { text: "Unverified", tone: "warn" };
  if (t.priority === "high") return { text: priorityNames.high, tone: "warn" };
  if (t.status === "pending") return { text: "Pending", tone: "info" };
  if (t.last_kind === "reply") return { text: "Answered", tone: "ok" };
  return t.tags[0] ? { text: t.tags[0], tone: "plain" } : null;
}

/** Marks words that are not the customer's. */
function Author({ kind }: { kind: Ticket["last_kind"] }) {
  if (kind !== "note" && kind !== "reply") return null;
  const Icon = kind === "note" ? Lock : Reply;
  return <><Icon aria-hidden className={cx("me-1 inline-block size-3.5 align-[-2px]", kind === "note" ? "text-note-fg" : "text-subtle")} /><span className="sr-only">{kind === "note" ? "Internal note: " : "Our reply: "}</span></>;
}

export const RequestRow = memo(function RequestRow({ ticket: t, view, q, index, active, compact, onOpen }: RowProps) {
  const waiting = isWaiting(t);
  const name = personName(t.customer, t.erased);
  const chip = chipOf(t);
  return (
    <div
      role="row"
      id={`request-${t.id}`}
      aria-rowindex={index + 1}
      aria-selected={active}
      className={cx("relative flex h-full border-b border-line", active ? "bg-selected" : "hover:bg-hover")}
    >
      {active && <span aria-hidden className="absolute inset-y-0 start-0 w-0.5 bg-accent" />}
      <div role="gridcell" className="flex min-w-0 flex-1">
        <Link
          to="/inbox/$view/$ticket"
          params={{ view, ticket: String(t.number) }}
          search={q ? { q } : {}}
          tabIndex={-1}
          onClick={() => onOpen(t)}
          className={cx("flex min-w-0 flex-1 ps-7 pe-3.5 outline-none", compact ? "items-center gap-3" : "flex-col justify-center py-2 max-pane:ps-8")}
        >
          {waiting && <span className={cx("absolute start-3 size-[7px] rounded-full bg-accent max-pane:size-2", compact ? "top-1/2 -translate-y-1/2" : "top-[17px] max-pane:top-[21px]")}><span className="sr-only">Waiting for an answer. </span></span>}
          {compact ? (
            <>
              <span className={cx("w-24 shrink-0 truncate", waiting && "font-unread")}>{name}</span>
              <span className={cx("min-w-0 flex-1 truncate", waiting ? "font-strong" : "text-muted")}>{subjectOf(t.subject)}</span>
              <When at={t.updated_at} say={shortTime} className="text-chip text-subtle" />
            </>
          ) : (
            <>
              <span className="flex items-center gap-2">
                <span className={cx("min-w-0 flex-1 truncate", waiting ? "font-unread" : "font-label")}>{name}</span>
                <When at={t.updated_at} say={shortTime} className="text-chip text-subtle" />
              </span>
              <span className={cx("truncate", waiting ? "font-unread" : "font-label")}>{subjectOf(t.subject)}</span>
              <span className="flex items-center gap-2">
                <span className="min-w-0 flex-1 truncate text-muted">{t.erased ? "The words of this customer were erased" : <><Author kind={t.last_kind} />{t.snippet}</>}</span>
                {chip && <Chip tone={chip.tone} className="max-w-24">{chip.text}</Chip>}
                {t.assignee && <span title={t.assignee.name}><Avatar id={t.assignee.id} name={t.assignee.name} size="sm" /><span className="sr-only">Assigned to {t.assignee.name}</span></span>}
              </span>
            </>
          )}
        </Link>
      </div>
    </div>
  );
});
