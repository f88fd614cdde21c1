import { Link } from "@tanstack/react-router";
import { Ban, CheckCheck, Clock, CircleHelp, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Delivery, Message, Ticket } from "../api/types";
import { deliveryNames } from "../text/words";
import { cx } from "../ui/cx";

const looks: Record<Exclude<Delivery, "">, { icon: ReactNode; tone: string }> = {
  queued: { icon: <Clock />, tone: "text-subtle" },
  sending: { icon: <Clock />, tone: "text-info" },
  accepted: { icon: <CheckCheck />, tone: "text-ok" },
  deferred: { icon: <Clock />, tone: "text-warn" },
  failed: { icon: <TriangleAlert />, tone: "text-danger" },
  unknown: { icon: <CircleHelp />, tone: "text-warn" },
  bounced: { icon: <TriangleAlert />, tone: "text-danger" },
  cancelled: { icon: <Ban />, tone: "text-subtle" },
};

/** What became of a reply, with the words of the other mail server. */
export function DeliveryLine({ message: m }: { message: Message; ticket: Ticket }) {
  if (!m.delivery) return null;
  const { icon, tone } = looks[m.delivery] ?? looks.queued;
  const bad = m.delivery === "failed" || m.delivery === "bounced" || m.delivery === "unknown";
  return (
    <div className={cx("flex flex-wrap items-center gap-x-2 gap-y-0.5 border-t px-3 py-1.5 text-chip", bad ? "rounded-b-md border-transparent" : "border-line", m.delivery === "unknown" ? "bg-warn-soft" : bad && "bg-danger-soft")}>
      <span className={cx("inline-flex items-center gap-1.5 font-label [&>svg]:size-3.5", tone)}>{icon}{deliveryNames[m.delivery] ?? m.delivery}</span>
      {m.delivery_detail && <span className={cx("min-w-0 flex-1 font-mono text-meta break-words max-pane:order-last max-pane:basis-full", bad ? "text-fg" : "text-subtle")}>{m.delivery_detail}</span>}
      {bad && <Link to="/ops/outbox" search={{ state: m.delivery }} className="font-label text-accent-text underline underline-offset-2">See the outbox</Link>}
    </div>
  );
}
