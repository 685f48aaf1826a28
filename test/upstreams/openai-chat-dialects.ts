import { type ChatAnswer, dataUrl, mark } from './openai-chat-answer.ts'

type Deltas = ChatAnswer['deltas']

/** What an answer is made of before a dialect puts it into words. */
export interface Drawing {
  before: string
  after: string
  /** How many pictures. */
  count: number
  /** A link to the picture with this index. */
  link(index: number): string
}

/** How upstreams hand over pictures in a chat (upstreams.md, A5), as the deltas of a stream. */
export const DIALECTS = {
  /** A: OpenRouter, LiteLLM, Vercel. */
  images: (drawing) => around(drawing, each(drawing, imageItem)),
  /** A with what Gemini wants back. */
  signed: (drawing) => around(drawing, each(drawing, signedItem)),
  /** A with links. */
  'image-links': (drawing) =>
    around(
      drawing,
      each(drawing, (index) => imageItem(index, drawing.link(index))),
    ),
  /** B: new-api, one-api. */
  markdown: (drawing) => inText(drawing, (index) => `![image](${dataUrl(index)})`),
  /** The data URL without anything around it. */
  bare: (drawing) => inText(drawing, dataUrl),
  /** C: PicGate and some relays. */
  parts: ({ before, after, count }) => [
    {
      content: [
        ...textPart(before),
        ...range(count).map((index) => urlPart(dataUrl(index))),
        ...textPart(after),
      ],
    },
  ],
  /** D: Portkey, for Google, which says text twice. */
  blocks: ({ before, after, count }) => [
    ...twice(before),
    { content_blocks: range(count).map((index) => urlPart(dataUrl(index))) },
    ...twice(after),
  ],
  /** E, in four ways: relays of Grok. */
  url: (drawing) => inText(drawing, drawing.link),
  link: (drawing) => inText(drawing, (index) => `[image](${drawing.link(index)})`),
  links: (drawing) => inText(drawing, (index) => `- [Image ${index + 1}](${drawing.link(index)})`),
  'markdown-url': (drawing) => inText(drawing, (index) => `![image](${drawing.link(index)})`),
  /** F. */
  base64: ({ before, after, count }) => [
    {
      content: [
        ...textPart(before),
        ...range(count).map((index) => ({ type: 'image', image: { base64: mark(index) } })),
        ...textPart(after),
      ],
    },
  ],
} satisfies Record<string, (drawing: Drawing) => Deltas>

export const SIGNATURE = 'c2lnbmF0dXJlIG9mIGEgdGhvdWdodA=='

function imageItem(index: number, url = dataUrl(index)) {
  return { type: 'image_url', image_url: { url }, index }
}

function signedItem(index: number) {
  return { ...imageItem(index), extra_content: { google: { thought_signature: `${SIGNATURE}${index}` } } }
}

function each({ count }: Drawing, item: (index: number) => unknown): Deltas {
  return range(count).map((index) => ({ images: [item(index)] }))
}

function around({ before, after }: Drawing, deltas: Deltas): Deltas {
  return [...words(before), ...deltas, ...words(after)]
}

/** Everything in one delta, as new-api sends it. */
function inText({ before, after, count }: Drawing, picture: (index: number) => string): Deltas {
  return words([before, ...range(count).map(picture), after].filter((part) => part !== '').join('\n\n'))
}

function words(content: string): Deltas {
  return content === '' ? [] : [{ content }]
}

function textPart(content: string) {
  return content === '' ? [] : [{ type: 'text', text: content }]
}

function twice(content: string): Deltas {
  return content === '' ? [] : [{ content, content_blocks: textPart(content) }]
}

function urlPart(url: string) {
  return { type: 'image_url', image_url: { url } }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
