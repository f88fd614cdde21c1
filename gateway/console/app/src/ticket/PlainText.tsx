import { Ellipsis } from "lucide-react";
import { memo, useMemo, useState } from "react";
import { type Link as WebLink, linkify, splitQuote } from "../text/quote";

/** Plain text of a mail: themed, links live, the quoted rest folded behind a button. */
export const PlainText = memo(function PlainText({ text, quoteFrom, links }: { text: string; quoteFrom: number; links: readonly WebLink[] }) {
  const { body, quote } = useMemo(() => splitQuote(text, quoteFrom), [text, quoteFrom]);
  const [open, setOpen] = useState(body.trim() === "");
  return (
    <div className="text-message break-words">
      <Linked text={body.trimEnd()} links={links} />
      {quote.trim() !== "" && (
        <>
          <button
            type="button" aria-expanded={open} aria-label={open ? "Hide the quoted text" : "Show the quoted text"} onClick={() => setOpen((o) => !o)}
            className="mt-2 flex h-6 items-center rounded-xs bg-sunken px-2 text-muted hover:bg-hover hover:text-fg max-pane:h-8"
          >
            <Ellipsis className="size-4" aria-hidden />
          </button>
          {open && <div className="mt-2 border-s-2 border-line ps-3 text-muted"><Linked text={quote.trim()} links={links} /></div>}
        </>
      )}
    </div>
  );
});

function Linked({ text, links }: { text: string; links: readonly WebLink[] }) {
  const paragraphs = useMemo(() => text.split(/\n{2,}/).map((p) => linkify(p, links)), [text, links]);
  return paragraphs.map((pieces, i) => (
    <p key={i} className="not-first:mt-2 whitespace-pre-wrap">
      {pieces.map((x, j) => x.href
        ? <a key={j} href={x.href} target="_blank" rel="noopener noreferrer nofollow" className="text-accent-text underline decoration-line-strong underline-offset-2 hover:decoration-current">{x.text}</a>
        : x.text)}
    </p>
  ));
}
