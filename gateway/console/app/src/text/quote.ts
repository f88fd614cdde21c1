export interface Split { body: string; quote: string }

/** Cuts a text at a byte offset of its UTF-8 form, as the server counts. Offsets outside the text cut nothing. */
export function splitQuote(text: string, byteOffset: number): Split {
  if (byteOffset < 0) return { body: text, quote: "" };
  let bytes = 0;
  let i = 0;
  for (const ch of text) {
    if (bytes >= byteOffset) break;
    const c = ch.codePointAt(0)!;
    bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    i += ch.length;
  }
  if (bytes < byteOffset) return { body: text, quote: "" };
  return { body: text.slice(0, i), quote: text.slice(i) };
}

export interface Piece { text: string; href?: string }
export interface Link { text: string; href: string }

const mailAddress = /\bmailto:[^\s<>"']+|\b[A-Z0-9._%+-]+@[A-Z0-9.-]+\.[A-Z]{2,}\b/gi;

/**
 * Splits plain text into words and links. Addresses of the web are those that the server found, which knows where each
 * may lead; besides them only mail addresses become links.
 */
export function linkify(text: string, links: readonly Link[]): Piece[] {
  const here = links.filter((l) => text.includes(l.text)).sort((a, b) => b.text.length - a.text.length);
  const hrefs = new Map(here.map((l) => [l.text, l.href]));
  const any = new RegExp([...here.map((l) => l.text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")), mailAddress.source].join("|"), "gi");
  const out: Piece[] = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(any)) {
    const href = hrefs.get(found) ?? (found.includes("@") && !found.includes("://") ? `mailto:${found.replace(/^mailto:/i, "")}` : undefined);
    if (!href) continue;
    if (index > at) out.push({ text: text.slice(at, index) });
    out.push({ text: found, href });
    at = index + found.length;
  }
  if (at < text.length) out.push({ text: text.slice(at) });
  return out;
}

/** Whether the HTML says more than its text would: colours, tables, pictures, sizes. */
export const isRich = (html: string): boolean =>
  /<(table|img|picture|svg|h[1-3]|hr)\b|<[^>]+\b(bgcolor|background)=|hub-image|style="[^"]*(color|font-size|border|padding)/i.test(html.slice(html.indexOf("<body") + 1));
