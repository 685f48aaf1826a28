/**
 * What makes an event or reply worth parsing: names of fields that carry pictures, lists as content, the beginnings of
 * data URLs, also alone as base64, and the body of an images API.
 */
const PICTURES = [
  String.raw`[^\r\n]data:`,
  'image(?:s?"|_url)',
  'content_blocks',
  'b64_json',
  'inline_?[dD]ata',
  String.raw`"content"\s*:\s*\[`,
  String.raw`"data"\s*:`,
  String.raw`:\s*"(?:iVBORw0KGgo|\\?/9j\\?/|UklGR|R0lGOD)`,
]

/** Only in streams: the end, errors, and messages that came whole where deltas are expected. */
const STREAMS = [String.raw`\[DONE\]`, '"message"', String.raw`"error"\s*:\s*["{]`]

/** What stands right before the target of a link, in JSON: the picture is replaced accordingly. Go writes `<` as an escape. */
const OPENING = String.raw`(?:\((?: |<|\\u003c)?|\\"|['\x60])`

/** The same in a text by itself, with tags of thoughts. */
const TEXTS = [`${OPENING}?data:`, String.raw`(?:<|\\u003c)\/?t`]
const URLS = [`${OPENING}?http`]
const LINKS = [String.raw`!\[`]

/** Ends of a text that may go on as something telling. */
const BEGUN = ['d(?:a(?:ta?)?)?', OPENING, String.raw`(?:<|\\u003c)\/?`]
const BEGUN_URLS = ['ht{0,2}', '!']

/** What a reply, an event and a text are looked through for. */
export interface Telling {
  reply: RegExp
  event: RegExp
  /** A text within JSON, escapes as they are. */
  text: RegExp
}

/** @param urls whether foreign pictures are wanted, too */
export function tellingSigns(urls: boolean): Telling {
  return urls ? WITH_URLS : WITHOUT_URLS
}

const WITHOUT_URLS: Telling = {
  reply: anyOf(PICTURES),
  event: anyOf([...PICTURES, ...STREAMS, ...TEXTS.slice(1), ending(BEGUN, String.raw`"\s*[,}\]]`)]),
  text: anyOf([...TEXTS, ending(BEGUN, '$')]),
}

const ALL_BEGUN = [...BEGUN, ...BEGUN_URLS]
const WITH_URLS: Telling = {
  reply: anyOf([...PICTURES, ...URLS]),
  event: anyOf([
    ...PICTURES,
    ...STREAMS,
    ...TEXTS.slice(1),
    ...URLS,
    ...LINKS,
    ending(ALL_BEGUN, String.raw`"\s*[,}\]]`),
  ]),
  text: anyOf([...TEXTS, ...URLS, ...LINKS, ending(ALL_BEGUN, '$')]),
}

function ending(begun: readonly string[], end: string): string {
  return `(?:${begun.join('|')})${end}`
}

function anyOf(patterns: readonly string[]): RegExp {
  return new RegExp(patterns.join('|'))
}
