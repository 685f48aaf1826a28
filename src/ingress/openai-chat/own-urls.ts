import { SpooledText } from '../../bytes/spooled.ts'

/** A link to one of our pictures in a text. Whether there is such a picture is for the library to say. */
export interface OwnUrl {
  id: string
  start: number
  end: number
  isThumbnail: boolean
}

/**
 * Every link to a picture of ours in a text: `…/images/{id}`, under any host, since we may have had another name when
 * it was written, or under none; with a file ending, `/thumbnail` and `?format=…`; slashes may be escaped as in JSON.
 */
export function findOwnUrls(text: string): OwnUrl[] {
  if (!text.includes('/')) return []
  return Array.from(text.matchAll(PATH), (match) => {
    const [path, id = '', thumbnail] = match
    const start = match.index - lengthBefore(text, match.index)
    return {
      id: id.toLowerCase(),
      start,
      end: match.index + path.length,
      isThumbnail: thumbnail !== undefined,
    }
  })
}

/** The ids of all our pictures that are linked to anywhere in a value, in order, each once. */
export function ownIdsIn(value: unknown): string[] {
  const ids = new Set<string>()
  for (const text of textsIn(value)) for (const { id } of findOwnUrls(text)) ids.add(id)
  return [...ids]
}

const PATH =
  /\\?\/images\\?\/([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})(?![\w-])(?:\.(?:png|jpe?g|webp|gif|avif)(?!\w))?(\\?\/thumbnail(?!\w))?(?:\?[\w%=&+~-]+(?:[.;][\w%=&+~-]+)*)?/gi

/** Hosts and paths before ours are shorter. */
const LONGEST_BEFORE = 300

/** Scheme, host and a path under which we may stand behind a proxy. */
const ABSOLUTE = /https?:(?:\\?\/){2}(?:\[[\da-f:.]+\])?[\w.~:/@%+\\-]*$/i
const RELATIVE = /(?:\.{1,2})?(?:(?:\\?\/){1,2}[\w.~@%+:-]+)*$/

function lengthBefore(text: string, at: number): number {
  const before = text.slice(Math.max(0, at - LONGEST_BEFORE), at)
  return (ABSOLUTE.exec(before) ?? RELATIVE.exec(before))?.[0].length ?? 0
}

/** Every text in a value, in order. Without recursion: how deep a value is, is the client's choice. */
function* textsIn(value: unknown): Iterable<string> {
  const left = [value]
  while (left.length > 0) {
    const item = left.pop()
    if (typeof item === 'string') yield item
    else if (item instanceof SpooledText) yield* item.parts.filter((part) => typeof part === 'string')
    else if (typeof item === 'object' && item !== null) {
      for (const inner of Object.values(item).reverse()) left.push(inner)
    }
  }
}
