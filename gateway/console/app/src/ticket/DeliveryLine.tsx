import { Link } from "@tanstack/react-router";
import { Ban, Check, Clock, CircleHelp, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Delivery, Message, Ticket } from "../api/types";
import { answerOf } from "../text/mail";
import { whenWords } from "../text/time";
import { deliveryNames } from "../text/words";
import { cx } from "../ui/cx";
import { When } from "../ui/when";
import { recall } from "./sends";

const looks: Record<Exclude<Delivery, "">, { icon: ReactNode; tone: string }> = {
  held: { icon: <Clock />, tone: "text-subtle" },
  queued: { icon: <Clock />, tone: "text-subtle" },
  sending: { icon: <Clock />, tone: "text-info" },
  accepted: { icon: <Check />, tone: "text-ok" },
  deferred: { icon: <Clock />, tone: "text-warn" },
  failed: { icon: <TriangleAlert />, tone: "text-danger" },
  unknown: { icon: <CircleHelp />, tone: "text-warn" },
  bounced: { icon: <TriangleAlert />, tone: "text-danger" },
  cancelled: { icon: <Ban />, tone: "text-subtle" },
};

/** When a reply goes out that waits: soon enough to count, else the day. */
const leaves = (iso: string, now: Date): string => (Date.parse(iso) - now.getTime() < 60_000 ? "· in a moment" : `· goes out ${whenWords(iso)}`);

/** What became of a reply, with the words of the next mail server, which are all that the hub gets to know. */
export function DeliveryLine({ message: m, ticket }: { message: Message; ticket: Ticket }) {
  if (!m.delivery) return null;
  const { icon, tone } = looks[m.delivery] ?? looks.queued;
  // A bare code of success says no more than the word before it.
  const { words, codes } = answerOf(m.delivery === "accepted" && /^2\d\d( 2\.\d+\.\d+)?$/.test(m.delivery_detail) ? "" : m.delivery_detail);
  const bad = m.delivery === "failed" || m.delivery === "bounced" || m.delivery === "unknown";
  return (
    <div className={cx("flex flex-wrap items-center gap-x-1.5 gap-y-0.5 border-t px-3 py-1.5 text-chip", bad ? "rounded-b-md border-transparent" : "border-line", m.delivery === "unknown" ? "bg-warn-soft" : bad && "bg-danger-soft")}>
      <span className={cx("inline-flex items-center gap-1.5 font-label [&>svg]:size-3.5", tone)}>{icon}{deliveryNames[m.delivery] ?? m.delivery}</span>
      {m.delivery === "accepted" && <span className="text-subtle"><span aria-hidden>· </span>accepted by the mail server</span>}
      {words && <span className="text-fg"><span aria-hidden className="max-pane:hidden">· </span>{words}</span>}
      {codes && <span title={codes} className={cx("min-w-0 truncate font-mono text-meta", m.delivery === "accepted" ? "ms-auto text-subtle max-pane:hidden" : bad ? "text-fg" : "text-subtle")}>{codes}</span>}
      {m.delivery === "queued" && m.send_at && <When at={m.send_at} say={leaves} className="text-subtle" />}
      {(m.delivery === "held" || m.delivery === "queued" && m.send_at) && m.state === "plain" && <button type="button" onClick={() => void recall(ticket.id, m.id, m.text)} className="ms-auto min-h-6 rounded-xs font-label text-accent-text underline underline-offset-2 max-pane:min-h-11">Take it back</button>}
      {bad && <Link to="/ops/outbox" search={{ state: m.delivery }} className="ms-auto font-label text-accent-text underline underline-offset-2">See the outbox</Link>}
    </div>
  );
}
