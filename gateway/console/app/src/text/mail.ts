// Sentences for the codes the hub gives about mail. A code without a sentence is shown only in the details.

const whys: Record<string, string> = {
  new: "",
  reply_address: "Joined by the reply address in our mail",
  our_message_id: "Joined because it answers a mail we sent",
  references: "Joined because it belongs to the same conversation",
  subject_tag: "Joined by the number in its subject",
  also_delivered: "Also delivered to another of our mailboxes",
  too_many_tickets: "Added here because this sender opened many requests at once",
  released: "Released from the quarantine",
};

/** Why a message joined its request, in words; a sentence of the server is taken as it is, an unknown code says nothing. */
export const whyWords = (why: string): string => whys[why] ?? (why.includes(" ") ? why : "");

/** What a message from outside is when no person wrote it. */
export const machineWords: Partial<Record<string, string>> = {
  auto: "Automatic reply", bounce: "Returned mail", complaint: "Spam complaint", receipt: "Read receipt", list: "Mailing list", loop: "Mail loop",
};

const cautions: Record<string, string> = {
  from_name_address: "The sender's name looks like the address of somebody else.",
  from_mixed_script: "The sender's address mixes alphabets, which can imitate another address.",
  from_multiple: "The mail names more than one author.",
  from_missing: "The mail names no author.",
  reply_to_domain: "Answers go to another domain than the sender's.",
  file_type_mismatch: "An attachment is something else than its name says.",
  file_name_cleaned: "An attachment had a name made to mislead; it was cleaned.",
  card_masked: "A card number was masked before it was stored.",
  card_in_raw: "A card number was masked in the text. The original mail still has it: redact the message if nobody needs it.",
  encrypted: "A part of this mail is encrypted and cannot be shown.",
  tnef: "Attachments are packed in a winmail.dat file.",
  charset_damaged: "Some characters could not be read.",
  encoding_damaged: "A part of this mail arrived damaged.",
  boundary_unclosed: "This mail may be incomplete: its end is missing.",
  limit_text: "The text was cut because it is very long.",
  limit_files: "Some attachments were left out because there are too many.",
  limit_parts: "Some parts were left out because there are too many.",
  oversize: "The mail is larger than the limit; only a part of it was read.",
  parser_panic: "The mail could not be taken apart. It is attached as a file.",
  rejected: "The mail server refused to hand over all of this mail.",
  unreadable: "The mail could not be read.",
};

/** What an agent should know before trusting or answering a message. Harmless repairs say nothing. */
export const cautionsOf = (codes: readonly string[]): string[] =>
  codes.map((c) => cautions[c] ?? (c.includes(" ") ? c : "")).filter(Boolean);

const holds: Record<string, [name: string, text: string]> = {
  loop: ["Mail loop", "It is a mail of ours that came back."],
  spam: ["Spam", "Your mail server says that this is spam."],
  bounce_unproved: ["Unproved bounce", "It says one of our mails was returned, but nothing proves that it is about a mail of ours."],
  not_readable: ["Not readable", "It could not be taken apart safely."],
  complaint: ["Spam complaint", "A mail provider reports that somebody marked our mail as spam."],
  receipt: ["Read receipt", "It only says that a mail was opened."],
  unreadable: ["Not readable", "The mail server could not hand it over."],
  rejected: ["Refused", "The mail server refused to hand it over."],
  oversize: ["Too large", "It is larger than the limit."],
};

/** Why a mail is in quarantine: a short name and a sentence. */
export function holdWords(reason: string, detail: string, readable: (code: string) => string): { name: string; text: string } {
  const [name, text] = holds[reason] ?? [readable(reason), ""];
  return { name, text: detail.includes(" ") ? detail : text };
}

const answers: Partial<Record<string, string>> = {
  host: "The mail server could not be reached",
  login: "The mail server refused our own sign-in",
  greylist: "The mail server asks to come back later",
  rate: "The mail server says that we send too fast",
  full: "The mailbox is full",
  temporary: "The mail server could not take it for now",
  address: "There is no such address",
  size: "Too large for the mail server",
  content: "Refused as spam or by a policy",
  utf8: "The mail server cannot take this address or these characters",
  permanent: "Refused for good",
  expired: "Tried for too long",
  connection_lost: "The connection broke before the answer came",
  worker_lost: "The hub stopped before the answer came",
};

/** What a mail server answered: a sentence for the hub's classes, else the codes as they came. */
export function answerOf(code: string, detail = ""): { words: string; codes: string } {
  const words = answers[detail] ?? answers[code] ?? "";
  return { words, codes: [code, detail].filter((x) => x && !answers[x]).join(" ") };
}
