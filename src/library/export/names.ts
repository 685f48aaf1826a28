import type { StoredImage } from '../../../contract/image.ts'

type Named = Pick<StoredImage, 'id' | 'prompt' | 'mime' | 'createdAt'>

/**
 * A file name that tells the picture and is safe on every system: the day, the words of the prompt in any script, the
 * last digits of the id. At most 120 bytes; never begins with a dot or a device name of Windows, since it begins with a
 * digit, and never ends with a dot or space.
 */
export function fileNameOf(image: Named, ending = image.id.slice(-8)): string {
  const day = new Date(image.createdAt).toISOString().slice(0, 10)
  return `${[day, slug(image.prompt), ending].filter(Boolean).join('_')}.${extensionOf(image.mime)}`
}

/** Gives names of which no two are the same, also for systems that tell no upper from lower case. */
export function uniqueNames(): (image: Named) => string {
  const taken = new Set<string>()
  return (image) => {
    const ending = image.id.slice(-8)
    if (taken.has(ending)) return fileNameOf(image, image.id)
    taken.add(ending)
    return fileNameOf(image, ending)
  }
}

/** `image/jpeg` → `jpg`. */
export const extensionOf = (mime: string): string => mime.replace(/^image\//, '').replace('jpeg', 'jpg')

/** The value of `Content-Disposition`: the name in ASCII for old clients, and as it is (RFC 8187). */
export function attachment(name: string): string {
  const ascii = name.replaceAll(/[^\w.-]+/g, '_')
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (letter) => `%${hex(letter)}`)
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}

const hex = (letter: string) => letter.charCodeAt(0).toString(16).toUpperCase()

const SLUG_BYTES = 60

/** Letters, their marks and digits, with hyphens between words. */
function slug(prompt: string): string {
  const words = prompt.slice(0, 400).toWellFormed().normalize('NFC').toLowerCase()
  return cut(words.replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, '-').replace(/^[-\p{M}]+/u, '')).replace(/-+$/, '')
}

/** As many whole characters as fit. */
function cut(text: string): string {
  let kept = ''
  let bytes = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > SLUG_BYTES) break
    kept += character
  }
  return kept
}
