import { Bot, ChevronRight, Download, Ellipsis, FileText, Eraser, ImageOff, Info, Lock, TriangleAlert } from "lucide-react";
import { memo, useState } from "react";
import type { Message, Ticket } from "../api/types";
import { cautionsOf, machineWords, whyWords } from "../text/mail";
import { isRich } from "../text/quote";
import { clockTime, fullDate, exactTime, shortTime } from "../text/time";
import { fileSize, personName, plural } from "../text/words";
import { client } from "../api/client";
import { command, settled } from "../state/act";
import { useMe } from "../state/me";
import { AskDialog } from "../ui/AskDialog";
import { Avatar } from "../ui/avatar";
import { Chip } from "../ui/chip";
import { cx } from "../ui/cx";
import { Menu, MenuItem } from "../ui/menu";
import { toast } from "../ui/toast";
import { When } from "../ui/when";
import { DeliveryLine } from "./DeliveryLine";
import { MailFrame } from "./MailFrame";
import { PlainText } from "./PlainText";
import { isOpen } from "./TicketKeys";

const stateWords = {
  erased: "The words of this message were erased. That it was sent, and when, is kept.",
  restricted: "This message is restricted while a privacy request is open.",
  denied: "You may not read this message.",
};

interface CardProps { ticket: Ticket; message: Message; expanded: boolean; onToggle: () => void }

export const MessageCard = memo(function MessageCard({ ticket, message: m, expanded, onToggle }: CardProps) {
  const name = m.state === "erased" && m.kind === "inbound" ? "Erased customer" : m.agent?.name ?? personName(m.from);
  const note = m.kind === "note";
  if (!expanded) {
    return (
      <button type="button" aria-expanded={false} onClick={onToggle} className={cx("flex w-full items-center gap-2.5 rounded-md border px-3 py-2 text-start", note ? "border-note-line bg-note hover:brightness-98" : "border-line bg-panel hover:bg-hover")}>
        {m.kind === "auto" ? <Bot className="size-5 shrink-0 p-0.5 text-subtle" aria-hidden /> : <Avatar id={m.agent?.id ?? m.from.address} name={name} size="sm" erased={m.state === "erased"} />}
        <span className="max-w-[40%] shrink-0 truncate font-strong">{m.kind === "auto" ? "Automatic message" : name}</span>
        {note && <Lock className="size-3.5 shrink-0 text-note-fg" aria-label="Internal note" />}
        <span className="min-w-0 flex-1 truncate text-muted">{m.state === "plain" ? m.text.slice(0, 160).replace(/\s+/g, " ") : stateWords[m.state]}</span>
        <When at={m.at} say={shortTime} className="text-chip text-subtle" />
      </button>
    );
  }
  return (
    <article id={`message-${m.id}`} aria-label={`${note ? "Internal note" : "Message"} from ${name}`} className={cx("rounded-md border", note ? "border-note-line bg-note" : "border-line bg-panel")}>
      <div className="flex gap-3 px-3 py-2.5">
        <Avatar id={m.agent?.id ?? m.from.address} name={name} erased={m.state === "erased" && m.kind === "inbound"} />
        <div className="min-w-0 flex-1">
          <MessageHead ticket={ticket} message={m} name={name} onToggle={onToggle} />
          <MessageBody ticket={ticket} message={m} name={name} />
          {m.state === "plain" && <p className={cx("mt-1.5 text-end text-meta", note ? "text-note-fg" : "text-subtle")}>{m.keep_until ? <>Kept until <time dateTime={m.keep_until}>{fullDate(m.keep_until)}</time>{isOpen(ticket) && " at the latest"}</> : isOpen(ticket) ? "Kept while the request is open" : ""}</p>}
        </div>
      </div>
      {m.kind === "reply" && m.delivery && <DeliveryLine message={m} ticket={ticket} />}
    </article>
  );
});

function MessageHead({ ticket, message: m, name, onToggle }: { ticket: Ticket; message: Message; name: string; onToggle: () => void }) {
  const [details, setDetails] = useState(false);
  const [redacting, setRedacting] = useState(false);
  const me = useMe();
  const note = m.kind === "note";
  return (
    <>
      <div className="flex items-center gap-2">
        <h3 className="min-w-0 flex-1 truncate">
          <button type="button" aria-expanded onClick={onToggle} className="font-unread">{name}</button>
          {!note && m.kind === "inbound" && m.state === "plain" && <span className="ms-2 text-subtle max-pane:hidden">{m.from.address}</span>}
          {note && <span className="ms-2 inline-flex items-center gap-1 align-bottom font-label text-note-fg"><Lock className="size-3.5" aria-hidden />Internal note</span>}
        </h3>
        {m.unverified && <span title="This sender is not part of the request. Do not take these words for the customer's."><Chip tone="warn">Unverified sender</Chip></span>}
        {m.kind === "inbound" && machineWords[m.class] && <Chip>{machineWords[m.class]}</Chip>}
        {m.kind === "auto" && <Chip>Automatic</Chip>}
        {m.redacted && m.state === "plain" && <span title="Words of this message were taken out for good."><Chip>Redacted</Chip></span>}
        <time dateTime={m.at} title={exactTime(m.at)} className="tnum text-chip text-subtle">{clockTime(m.at)}</time>
        <Menu align="end" trigger={<button type="button" aria-label={`More about the message from ${name}`} className={cx("-me-1 inline-flex size-6 items-center justify-center rounded-xs hover:bg-hover hover:text-fg max-pane:-my-2.5 max-pane:size-11", note ? "text-note-fg" : "text-subtle")}><Ellipsis className="size-4" /></button>}>
          <MenuItem icon={<Info />} onSelect={() => setDetails((d) => !d)}>{details ? "Hide details" : "Show details"}</MenuItem>
          {m.raw && m.state === "plain" && (
            <MenuItem asChild><a href={`/api/v1/tickets/${ticket.id}/messages/${m.id}/raw`} download><Download className="size-4 text-muted" aria-hidden />Download the original</a></MenuItem>
          )}
          {me.role !== "agent" && m.state === "plain" && <MenuItem icon={<Eraser />} danger onSelect={() => setRedacting(true)}>Take words out…</MenuItem>}
        </Menu>
      </div>
      {redacting && <Redact ticket={ticket} message={m} onClose={() => setRedacting(false)} />}
      {details && <Details message={m} />}
    </>
  );
}

const redactReasons = [["third_party", "They concern somebody else"], ["payment", "Payment data"], ["health", "Health data"], ["other", "Another reason"]] as const;

/** Takes words, or all of a message, out for good. */
function Redact({ ticket, message: m, onClose }: { ticket: Ticket; message: Message; onClose: () => void }) {
  return (
    <AskDialog danger title="Take words out" text="They go from the message, its original and the search, for good. Who did it and why stays on record." act="Take them out" onClose={onClose}
      fields={[
        { name: "words", label: "Words", kind: "area", optional: true, hint: "One passage a line, as it stands in the message. None: the whole message goes." },
        { name: "reason", label: "Because", kind: "choice", choices: redactReasons },
      ]}
      onAct={async (v) => {
        const words = v.words!.split("\n").map((w) => w.trim()).filter(Boolean);
        const a = await command((key) => client.POST("/tickets/{id}/messages/{message}/redact", {
          params: { path: { id: ticket.id, message: m.id } }, headers: { "Idempotency-Key": key }, body: { reason: v.reason as "other", ...(words.length > 0 && { words }) },
        }));
        toast(words.length > 0 ? "Words taken out" : "Message taken out");
        await settled(ticket.id, a.position);
      }} />
  );
}

function Details({ message: m }: { message: Message }) {
  const list = (xs: { name: string; address: string }[]): string => xs.map((x) => (x.name ? `${x.name} <${x.address}>` : x.address)).join(", ");
  const rows: [string, string][] = [
    ["From", list([m.from])], ["To", list(m.to)], ["Cc", list(m.cc ?? [])], ["Sent", exactTime(m.at)], ["Kind", machineWords[m.class] ?? ""],
    ["Joined", whyWords(m.why)], ["Repairs", m.warnings.join(", ")], ["Mail server", m.delivery_detail], ["Position", m.position],
  ];
  return (
    <dl className="my-1.5 grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 rounded-sm bg-sunken px-2.5 py-2 text-chip">
      {rows.filter(([, v]) => v).map(([k, v]) => <div key={k} className="contents"><dt className="text-subtle">{k}</dt><dd className="min-w-0 break-words text-muted">{v}</dd></div>)}
    </dl>
  );
}

function MessageBody({ ticket, message: m, name }: { ticket: Ticket; message: Message; name: string }) {
  const [asText, setAsText] = useState(false);
  if (m.state !== "plain") return <p className="mt-0.5 text-muted italic">{stateWords[m.state]}</p>;
  const framed = m.has_html && (m.html === "" || isRich(m.html));
  const rich = framed && !asText;
  return (
    <>
      {cautionsOf(m.warnings).map((w) => <p key={w} className="mt-1 flex items-start gap-1.5 rounded-sm bg-warn-soft px-2 py-1 text-chip text-warn"><TriangleAlert className="mt-0.5 size-3.5 shrink-0" aria-hidden />{w}</p>)}
      {rich ? <MailFrame ticket={ticket.id} message={m.id} from={name} /> : <PlainText text={m.text} quoteFrom={m.quote_from} links={m.links} />}
      {m.cut && <p className="mt-2 text-chip text-subtle">The rest is too long to show. Download the original to read all of it.</p>}
      {m.attachments.length > 0 && (
        <ul className="mt-2.5 flex flex-wrap gap-2" aria-label="Attachments">
          {m.attachments.map((a) => (
            <li key={a.id} className="min-w-0">
              <a href={`/api/v1/tickets/${ticket.id}/messages/${m.id}/attachments/${a.id}`} download={a.name} className="group flex h-8 max-w-72 items-center gap-2 rounded-sm border border-line bg-panel px-2.5 hover:bg-hover max-pane:h-11">
                <FileText className="size-4 shrink-0 text-muted group-hover:hidden" aria-hidden /><Download className="hidden size-4 shrink-0 text-muted group-hover:block" aria-hidden />
                <span className="truncate font-label">{a.name || "Unnamed file"}</span>
                <span className="tnum shrink-0 text-chip text-subtle">{fileSize(a.size)}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {rich && m.remote_images > 0 && (
        <p className="mt-2 flex min-h-[26px] items-center gap-2 rounded-sm bg-sunken px-2.5 py-1 text-chip text-muted">
          <ImageOff className="size-4 shrink-0" aria-hidden /><span className="flex-1">{plural(m.remote_images, "remote image")} not loaded. Loading would tell the sender that you read this.</span>
        </p>
      )}
      {framed && (
        <button type="button" onClick={() => setAsText((x) => !x)} className="mt-1.5 inline-flex min-h-6 items-center gap-1 rounded-xs text-chip text-subtle hover:text-fg">
          <ChevronRight className={cx("size-3.5", asText && "rotate-90")} aria-hidden />{asText ? "Show as it was sent" : "Show as plain text"}
        </button>
      )}
    </>
  );
}
