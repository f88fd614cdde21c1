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

const link = /\b(?:https?:\/\/|mailto:)[^\s<>"']+|\b[A-Z0-9._%+-]+@[A-Z0-9.-]+\.[A-Z]{2,}\b/gi;

/** Splits plain text into words and links. Only http, https and mail addresses become links. */
export function linkify(text: string): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  for (const m of text.matchAll(link)) {
    let found = m[0];
    const trailing = /[.,;:!?)\]}]+$/.exec(found);
    if (trailing && !(trailing[0].startsWith(")") && found.includes("("))) found = found.slice(0, -trailing[0].length);
    if (m.index > at) out.push({ text: text.slice(at, m.index) });
    out.push({ text: found, href: /^(https?:|mailto:)/i.test(found) ? found : `mailto:${found}` });
    at = m.index + found.length;
  }
  if (at < text.length) out.push({ text: text.slice(at) });
  return out;
}

/** Whether the HTML says more than its text would: colours, tables, pictures, sizes. */
export const isRich = (html: string): boolean =>
  /<(table|img|picture|svg|h[1-3]|hr)\b|<[^>]+\b(bgcolor|background)=|hub-image|style="[^"]*(color|font-size|border|padding)/i.test(html.slice(html.indexOf("<body") + 1));
