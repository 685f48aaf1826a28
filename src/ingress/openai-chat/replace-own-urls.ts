import type { Spooled } from '../../bytes/spooled.ts'
import { withPrefix } from '../../bytes/write-json.ts'
import { mapMessage } from './map-message.ts'
import { type Mention, mentionsIn } from './mentions.ts'
import { findOwnUrls } from './own-urls.ts'
import { roleOf } from './read-message.ts'
import { isRecord, type JsonRecord } from './rewrite/records.ts'
import { widen } from './widen.ts'

/** A stored picture of ours, with the upstream's state that belongs to it. */
export interface OwnPicture {
  picture: Spooled
  signature?: string | undefined
}

/** Most pictures that are added because a text links to them: the latest ones. */
export const MAX_SHOWN = 8

/** Most ids that are looked up for one request, whatever stands in it. */
const MAX_LOOKED_UP = 64

/**
 * Lets a chat upstream see our pictures, which it could not fetch. A picture part with a link of ours gets the bytes.
 * A link in a text becomes `[image 1]`, and the picture follows under this name: at the end of the message, or, since
 * many upstreams refuse pictures in what is not from the user, at the beginning of the next message of the user.
 * Links in arguments and results of tools stay, for they are handed on; the pictures are added all the same.
 * Each picture is added once, the latest {@link MAX_SHOWN}; what is not known to `resolve` stays as it is.
 */
export async function replaceOwnUrls(
  messages: readonly unknown[],
  resolve: (id: string) => Promise<OwnPicture | undefined>,
): Promise<readonly unknown[]> {
  const mentions = mentionsIn(messages)
  if (mentions.length === 0) return messages
  const shown = nameThem(mentions, await resolveLatest(mentions, resolve), messages)
  return shown.size === 0 ? messages : messages.map((message, index) => rewrite(message, index, shown))
}

/** How a picture appears upstream. */
interface Shown extends OwnPicture {
  /** By which texts speak of it; absent where none does. */
  name?: string
  /** The link that stays in arguments and results of tools. */
  link?: string
  /** The message of the user that it is added to; absent where a picture part holds it already. */
  home?: Home
}

interface Home {
  index: number
  side: 'before' | 'after'
}

async function resolveLatest(
  mentions: readonly Mention[],
  resolve: (id: string) => Promise<OwnPicture | undefined>,
): Promise<Map<string, OwnPicture>> {
  const parts = partIds(mentions)
  const found = new Map<string, OwnPicture>()
  let added = 0
  for (const id of [...new Set(mentions.toReversed().map((mention) => mention.id))].slice(0, MAX_LOOKED_UP)) {
    if (added >= MAX_SHOWN && !parts.has(id)) continue
    const own = await resolve(id)
    if (own === undefined) continue
    found.set(id, own)
    if (!parts.has(id)) added += 1
  }
  return found
}

const partIds = (mentions: readonly Mention[]): Set<string> =>
  new Set(mentions.filter(({ place }) => place === 'part').map(({ id }) => id))

function nameThem(
  mentions: readonly Mention[],
  found: ReadonlyMap<string, OwnPicture>,
  messages: readonly unknown[],
): Map<string, Shown> {
  const parts = partIds(mentions)
  const shown = new Map<string, Shown>()
  let names = 0
  for (const { id, index, place, url } of mentions) {
    if (!found.has(id)) continue
    const known = shown.get(id) ?? show(found.get(id), parts.has(id) ? 'in place' : homeOf(index, messages))
    if (known === undefined) continue
    if (place !== 'part') known.name ??= `[image ${++names}]`
    if (place === 'kept') known.link ??= url
    shown.set(id, known)
  }
  return shown
}

function show(own: OwnPicture | undefined, home: Home | 'in place' | undefined): Shown | undefined {
  if (own === undefined || home === undefined) return undefined
  return home === 'in place' ? { ...own } : { ...own, home }
}

/** Where a picture is added: to the message that links to it, the next one of the user, or the last one before. */
function homeOf(index: number, messages: readonly unknown[]): Home | undefined {
  if (isFromUser(messages[index])) return { index, side: 'after' }
  const next = messages.findIndex((message, at) => at > index && isFromUser(message))
  if (next !== -1) return { index: next, side: 'before' }
  const last = messages.findLastIndex(isFromUser)
  return last === -1 ? undefined : { index: last, side: 'after' }
}

const isFromUser = (message: unknown): boolean => isRecord(message) && roleOf(message) === 'user'

function rewrite(message: unknown, index: number, shown: ReadonlyMap<string, Shown>): unknown {
  const taken: Shown[] = []
  const own = (url: string) => shown.get(findOwnUrls(url)[0]?.id ?? '')
  const mapped = mapMessage(message, {
    text: (text) => replaceInText(text, shown),
    picture: (part, url) => {
      const found = own(url)
      if (found === undefined) return [part]
      return isFromUser(message) ? inPlace(part, found) : [textPart(found.name)]
    },
    image: (part, url) => {
      const found = own(url)
      if (found === undefined) return [part]
      taken.push(found)
      return []
    },
    kept: () => {},
  })
  if (!isRecord(mapped)) return mapped
  const added = [...shown.values()].filter(({ home }) => home?.index === index)
  if (added.length > 0) return withPictures(mapped, added)
  // Upstreams refuse an answer in which nothing was said.
  return taken.length > 0 && isEmpty(mapped.content)
    ? { ...mapped, content: taken.map(({ name }) => name).join(' ') }
    : mapped
}

const isEmpty = (content: unknown): boolean => content === '' || content === null || content === undefined

function replaceInText(text: string, shown: ReadonlyMap<string, Shown>): string {
  let replaced = ''
  let at = 0
  for (const url of findOwnUrls(text)) {
    const name = shown.get(url.id)?.name
    const { start, end, label } = widen(text, url.start, url.end)
    if (name === undefined || start < at) continue
    replaced += `${text.slice(at, start)}${label === '' ? '' : `${label} `}${name}`
    at = end
  }
  return replaced + text.slice(at)
}

function inPlace(part: JsonRecord, own: Shown): unknown[] {
  const holder = isRecord(part.image_url) ? part.image_url : {}
  return [...label(own), picturePart(own, holder)]
}

function withPictures(message: JsonRecord, added: readonly Shown[]): JsonRecord {
  const { content } = message
  const own = Array.isArray(content) ? content : isEmpty(content) ? [] : [textPart(content)]
  const on = (side: Home['side']) =>
    added.filter(({ home }) => home?.side === side).flatMap((own) => [...label(own), picturePart(own, {})])
  return { ...message, content: [...on('before'), ...own, ...on('after')] }
}

const label = ({ name, link }: Shown): unknown[] =>
  name === undefined ? [] : [textPart(link === undefined ? name : `${name} ${link}`)]

const textPart = (text: unknown) => ({ type: 'text', text })

function picturePart({ picture, signature }: OwnPicture, holder: JsonRecord) {
  const url = withPrefix(picture, `data:${picture.mime ?? 'image/png'};base64,`)
  return {
    type: 'image_url',
    image_url: { ...holder, url },
    ...(signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }),
  }
}
