import type { StoredImage } from '../../../contract/image.ts'
import { readBase64 } from '../../bytes/read-base64.ts'
import { type Spooled, SpooledText } from '../../bytes/spooled.ts'
import { withPrefix } from '../../bytes/write-json.ts'
import type { ChatImageFormat } from './rewrite/options.ts'

/** How a picture gets to the client. */
export interface PictureForm {
  format: ChatImageFormat
  /** Its absolute public URL. */
  link(image: StoredImage): string
  /** Its bytes, for `base64`. */
  file?: ((image: StoredImage) => Promise<Spooled>) | undefined
}

export const imagePart = (url: string) => ({ type: 'image_url', image_url: { url } })

export const markdown = (url: string): string => `![image](${url})`

/** Bytes of a picture in one delta; 48 KiB of base64. */
const PIECE = 36 * 1024

/** A picture as the deltas of a stream, each far below 64 KiB. */
export async function* pictureDeltas(
  image: StoredImage,
  index: number,
  form: PictureForm,
): AsyncIterable<Readonly<Record<string, unknown>>> {
  if (form.format === 'base64' && form.file) {
    const picture = await form.file(image)
    yield { content: `![image](${dataPrefix(image, picture)}` }
    for await (const content of readBase64(picture, PIECE)) yield { content }
    yield { content: ')\n\n' }
    return
  }
  const url = form.link(image)
  if (form.format === 'content') yield { content: [imagePart(url)] }
  else yield { content: `${markdown(url)}\n\n` }
  if (form.format === 'parts') yield { images: [{ ...imagePart(url), index }] }
}

/** The message of an answer that is sent as a whole; a {@link SpooledText} stands where base64 will be. */
export async function pictureMessage(
  images: readonly StoredImage[],
  note: string | undefined,
  form: PictureForm,
): Promise<Readonly<Record<string, unknown>>> {
  const notes = note === undefined ? [] : [note]
  const { format, file } = form
  if (format === 'content' && images.length > 0) {
    const texts = notes.map((text) => ({ type: 'text', text }))
    return { content: [...images.map((image) => imagePart(form.link(image))), ...texts] }
  }
  if (format === 'base64' && file) {
    const parts = await Promise.all(images.map(async (image) => dataMarkdown(image, await file(image))))
    return { content: new SpooledText([...parts.flat(), ...notes]) }
  }
  const content = [...images.map((image) => markdown(form.link(image))), ...notes].join('\n\n')
  if (format !== 'parts' || images.length === 0) return { content }
  return { content, images: images.map((image, index) => ({ ...imagePart(form.link(image)), index })) }
}

const dataMarkdown = (image: StoredImage, picture: Spooled): (string | Spooled)[] => [
  '![image](',
  withPrefix(picture, dataPrefix(image, picture)),
  ')\n\n',
]

const dataPrefix = (image: StoredImage, picture: Spooled): string =>
  `data:${picture.mime ?? image.mime};base64,`
