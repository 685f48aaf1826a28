import type { Spool } from '../../bytes/spool.ts'
import { spoolBase64 } from '../../bytes/spool-base64.ts'
import { Spooled } from '../../bytes/spooled.ts'

/** What frames about a picture have in common. */
export interface SlotFrame {
  /** Every name by which the upstream calls the picture; it does not always use the same. */
  ids: readonly string[]
  /** Its place in the batch, for frames without a name. */
  order: number | undefined
  /** 0..100, as the upstream says; undefined where it does not. */
  percent: number | undefined
  /** The upstream withholds this picture. */
  isModerated: boolean
}

/** Some stage of a picture. */
export interface PictureFrame extends SlotFrame {
  type: 'picture'
  /** Absent where the upstream sent none, as for what it withholds. */
  picture: Spooled | undefined
  revisedPrompt: string | undefined
  details: Readonly<Record<string, unknown>>
}

export interface StatusFrame extends SlotFrame {
  type: 'status'
  status: string
}

/** The upstream will not go on. */
export interface RefusalFrame {
  type: 'refusal'
  code: string
  message: string
}

export type Frame = PictureFrame | StatusFrame | RefusalFrame

/**
 * What a message of the upstream says, in the words of any generation of the protocol; undefined for session notices
 * and whatever else there may be.
 * @throws BytesError when a small picture is no base64
 */
export async function readFrame(message: unknown, spool: Spool): Promise<Frame | undefined> {
  const fields = fieldsOf(message)
  if (fields.type === 'image') return await readPicture(fields, spool)
  if (fields.type === 'json') {
    const status = textOf(fields.current_status)
    return status === undefined ? undefined : { type: 'status', status, ...slotOf(fields) }
  }
  if (fields.type !== 'error') return undefined
  const code = textOf(fields.err_code) ?? textOf(fields.code) ?? ''
  return { type: 'refusal', code, message: textOf(fields.err_msg) ?? textOf(fields.message) ?? code }
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(message: unknown): Fields {
  return typeof message === 'object' && message !== null ? { ...message } : {}
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

async function readPicture(fields: Fields, spool: Spool): Promise<PictureFrame> {
  const { blob } = fields
  const picture = typeof blob === 'string' && blob !== '' ? await spoolBase64(blob, spool) : blob
  return {
    type: 'picture',
    ...slotOf(fields),
    picture: picture instanceof Spooled ? picture : undefined,
    revisedPrompt: textOf(fields.full_prompt),
    details: detailsOf(fields),
  }
}

/** Generations differ in which of these they send: `id`, `job_id` and the name in the link are the same in all. */
function slotOf(fields: Fields): SlotFrame {
  const named = [fields.image_id, fields.id, fields.job_id].map(textOf)
  const [, linked] = /\/images\/([\w-]+)\.\w+/.exec(textOf(fields.url) ?? '') ?? []
  return {
    ids: [...new Set([...named, linked].filter((id) => id !== undefined))],
    order: numberOf(fields.order) ?? numberOf(fields.grid_index) ?? numberOf(fields.side_by_side_index),
    percent: numberOf(fields.percentage_complete),
    isModerated: fields.moderated === true,
  }
}

/** What is worth keeping beside the picture. */
function detailsOf(fields: Fields): Record<string, unknown> {
  const details = {
    upstream_id: textOf(fields.id) ?? textOf(fields.job_id) ?? textOf(fields.image_id),
    upstream_url: textOf(fields.url),
    model_name: textOf(fields.model_name),
    r_rated: typeof fields.r_rated === 'boolean' ? fields.r_rated : undefined,
  }
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
}
