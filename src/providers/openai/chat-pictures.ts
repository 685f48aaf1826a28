import { createDeltaText } from '../../bytes/delta-text.ts'
import { sniffType } from '../../bytes/sniff.ts'
import type { Spool } from '../../bytes/spool.ts'
import { Spooled, SpooledText } from '../../bytes/spooled.ts'
import { fieldsOf } from '../read-reply.ts'
import { sourceIn } from './picture-source.ts'

/** The pictures of a chat answer in any dialect (upstreams.md, A5), as items like those of an images answer. */
export interface ChatPictures {
  /** A message, or a delta of one. Returns what is there now. */
  push(message: unknown): Promise<unknown[]>
  /** What was held back, and, where nothing else was found, links in the text or drafts. */
  end(): Promise<unknown[]>
  /** What was said beside the pictures; the beginning of it. */
  readonly text: string
}

/** Longest text that is looked through for links. */
const MAX_TEXT = 256 * 1024

export function createChatPictures(spool: Spool): ChatPictures {
  const delta = createDeltaText(spool)
  const drafts: unknown[] = []
  const seen = new Set<unknown>()
  let text = ''

  async function push(message: unknown): Promise<unknown[]> {
    const { content, content_blocks: blocks, images, image } = fieldsOf(message)
    const items = [
      ...(await itemsOfContent(content)),
      ...listOf(blocks).filter(isPicture),
      ...listOf(images),
      ...listOf(image),
    ]
    return keep(items)
  }

  async function itemsOfContent(content: unknown): Promise<unknown[]> {
    if (content instanceof Spooled || isBareBase64(content)) return [content]
    if (typeof content === 'string' || content instanceof SpooledText) return read(await delta.push(content))
    const items: unknown[] = []
    for (const part of listOf(content)) {
      const { text } = fieldsOf(part)
      if (typeof text === 'string' || text instanceof SpooledText) items.push(...read(await delta.push(text)))
      else if (isPicture(part)) items.push(part)
    }
    return items
  }

  /** Takes a text with its pictures. Those among thoughts are drafts. */
  function read(pieces: readonly (string | Spooled)[]): unknown[] {
    const items: Spooled[] = []
    for (const piece of pieces) {
      if (typeof piece === 'string') text = (text + piece).slice(0, MAX_TEXT)
      else if (text.lastIndexOf('<think') > text.lastIndexOf('</think')) drafts.push(piece)
      else items.push(piece)
    }
    return items
  }

  function keep(items: readonly unknown[]): unknown[] {
    const finals = items.filter((item) => fieldsOf(item).thought !== true)
    drafts.push(...items.filter((item) => !finals.includes(item)))
    return finals.filter(isNew)
  }

  /** Some relays give a picture in the text and beside it. */
  function isNew(item: unknown): boolean {
    const key = keyOf(sourceIn(item))
    if (seen.has(key)) return false
    seen.add(key)
    return true
  }

  async function end(): Promise<unknown[]> {
    const held = keep(read(await delta.end()))
    if (seen.size > 0) return held
    const links = linksIn(text)
    return links.length > 0 ? links : drafts
  }

  return {
    push,
    end,
    get text() {
      return text
    },
  }
}

/** Links to pictures: those that markdown shows, and those that are named like one or stand alone. Each once. */
function linksIn(text: string): string[] {
  const said = text.replaceAll(/<think[\s\S]*?(<\/think(ing)?>|$)/g, '')
  const shown = [...said.matchAll(/!\[[^\]]*\]\(\s*<?(https?:\/\/[^\s)>]+)/g)].map(([, url = '']) => url)
  const links = [...said.matchAll(/https?:\/\/[^\s<>"'()[\]\\`|]+/g)].map(([url]) => url)
  const named = links.filter((url) => /\.(png|jpe?g|webp|gif|avif)([?#]|$)/i.test(url))
  const alone = links.filter((url) => url === said.trim() || said.trim() === `[image](${url})`)
  return [...new Set([...shown, ...named, ...alone])]
}

function keyOf(source: unknown): unknown {
  const picture =
    source instanceof SpooledText ? source.parts.find((part) => part instanceof Spooled) : source
  return picture instanceof Spooled ? picture.sha256 : picture
}

function isBareBase64(content: unknown): boolean {
  if (typeof content !== 'string' || !/^[\w+/-]{64,}=*$/.test(content)) return false
  return sniffType(Buffer.from(content.slice(0, 64), 'base64')) !== undefined
}

function isPicture(part: unknown): boolean {
  return sourceIn(part) !== undefined && !/text|audio|video|file/.test(String(fieldsOf(part).type))
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null || value === '') return []
  return Array.isArray(value) ? value : [value]
}
