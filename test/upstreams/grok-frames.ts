import { randomUUID } from 'node:crypto'
import { type Picture, type PictureFormat, paint, whole } from './pictures.ts'

/** One picture that the fake draws, with all that frames about it say. */
export interface Slot {
  id: string
  order: number
  request: { requestId: string; text: string }
  width: number
  height: number
}

export const STAGES = {
  preview: { format: 'png', bytes: 9_000, percent: 20 },
  medium: { format: 'png', bytes: 40_000, percent: 60 },
  final: { format: 'jpeg', bytes: 268_000, percent: 100 },
} as const satisfies Record<string, { format: PictureFormat; bytes: number; percent: number }>
export type StageName = keyof typeof STAGES

export type Frame = Readonly<Record<string, unknown>>

export function newSlot(order: number, prompt: Frame, ratio: string): Slot {
  const [width = 2, height = 3] = ratio.split(':').map(Number)
  const unit = 960 / Math.sqrt(width * height)
  return {
    id: randomUUID(),
    order,
    request: { requestId: String(prompt.requestId), text: String(prompt.text) },
    width: 16 * Math.round((width * unit) / 16),
    height: 16 * Math.round((height * unit) / 16),
  }
}

export function paintStage(slot: Slot, stage: StageName, bytes?: number): Promise<Picture> {
  const { width, height } = slot
  const { format, bytes: usual } = STAGES[stage]
  const size = stage === 'final' ? { width, height } : { width: 64, height: 96 }
  return paint({ ...size, format, bytes: bytes ?? usual, mark: `${slot.id} ${stage}` })
}

/** As captured from the upstream; `stage` decides the ending of the link and the percentage. */
export function imageFrame(slot: Slot, stage: StageName, picture: Picture, more: Frame = {}): Frame {
  const ending = stage === 'final' ? 'jpg' : 'png'
  return {
    type: 'image',
    blob: whole(picture).toString('base64'),
    job_id: slot.id,
    grid_index: slot.order,
    is_alteration: false,
    order: slot.order,
    section_id: 0,
    request_id: slot.request.requestId,
    url: `https://imagine-public.x.ai/imagine-public/images/${slot.id}.${ending}`,
    id: slot.id,
    prompt: slot.request.text,
    full_prompt: `${slot.request.text}, in great detail`,
    percentage_complete: STAGES[stage].percent,
    model_name: 'imagine_x_1',
    suggested_moderation_rule: 'MODERATION_RULE_DEFAULT',
    r_rated: false,
    ...more,
  }
}

export function statusFrame(slot: Slot, status: string, more: Frame = {}): Frame {
  return {
    type: 'json',
    current_status: status,
    image_id: slot.id,
    job_id: slot.id,
    request_id: slot.request.requestId,
    order: slot.order,
    width: slot.width,
    height: slot.height,
    percentage_complete: status === 'completed' ? 100 : 0,
    ...(status === 'completed' ? { moderated: false, r_rated: false } : {}),
    ...more,
  }
}

export function errorFrame(code: string, message: string): Frame {
  return { type: 'error', err_code: code, err_msg: message }
}
