import type { ImageEvent } from '../provider.ts'
import type { PictureFrame, StatusFrame } from './frame.ts'
import { addPicture, addStatus, createSlots, isGoodEnough, isOver, isReady, type Slot } from './slot.ts'
import type { Stage } from './stage.ts'

/** What the upstream is waited for, which decides how long. */
export type Awaited =
  /** Any sign that it draws. */
  | 'start'
  /** A picture in the making. */
  | 'picture'
  /** The final stage of a picture of which a good preview has come. */
  | 'final'
  /** More pictures beside one that is there. */
  | 'rest'

/** What there is when nothing more is waited for. */
export interface Rest {
  events: ImageEvent[]
  /** Pictures that were wanted and neither came nor are known to be withheld. */
  missing: number
}

/** Makes events of the frames of one socket. */
export interface Collector {
  take(frame: PictureFrame | StatusFrame): ImageEvent[]
  /** All that was wanted is there, or nothing more can come. */
  readonly isDone: boolean
  readonly awaited: Awaited
  /** @param isStalled the upstream fell silent: what it began and did not finish counts as withheld */
  finish(isStalled: boolean): Rest
}

const WITHHELD = 'the upstream withheld a picture.'

export function createCollector(wanted: { images: number; previews: number }): Collector {
  const slots = createSlots()
  let upstreamTells = false
  let hasPicture = false
  let shown = { percent: -1, stage: undefined as Stage | undefined }

  const delivered = () => slots.all.filter((slot) => slot.isDelivered).length

  function take(frame: PictureFrame | StatusFrame): ImageEvent[] {
    const slot = slots.of(frame)
    const wasOver = isOver(slot)
    const stage = frame.type === 'picture' ? addPicture(slot, frame) : undefined
    if (frame.type === 'status') {
      upstreamTells = true
      addStatus(slot, frame)
    }
    const arriving: ImageEvent[] = stage === undefined || hasPicture ? [] : [{ type: 'arriving' }]
    hasPicture ||= stage !== undefined
    return [
      ...arriving,
      ...progress(stage),
      ...(frame.type === 'picture' && stage !== 'final' && !wasOver ? preview(slot, frame) : []),
      ...slots.all.filter((ready) => isReady(ready, upstreamTells)).flatMap(deliver),
    ]
  }

  /** Never backwards, and only where it says something new. */
  function progress(stage: Stage | undefined): ImageEvent[] {
    const furthest = slots.all.map(({ percent }) => percent).sort((a, b) => b - a)
    const sum = furthest.slice(0, wanted.images).reduce((total, percent) => total + percent, 0)
    const percent = Math.max(shown.percent, Math.floor(sum / wanted.images))
    const later = [shown.stage, stage].includes('final') ? 'final' : furthestOf(shown.stage, stage)
    if (percent === shown.percent && later === shown.stage) return []
    shown = { percent, stage: later }
    return [{ type: 'progress', percent, ...(later === undefined ? {} : { stage: later }) }]
  }

  function preview(slot: Slot, { picture }: PictureFrame): ImageEvent[] {
    if (picture === undefined || slot.previews >= wanted.previews) return []
    if (picture.width === undefined || !picture.complete) return []
    slot.previews += 1
    return [{ type: 'partial', index: slot.index, picture, partialIndex: slot.previews - 1 }]
  }

  function deliver(slot: Slot): ImageEvent[] {
    if (slot.best === undefined || delivered() >= wanted.images) return []
    slot.isDelivered = true
    const { picture, revisedPrompt, details } = slot.best
    return [
      {
        type: 'image',
        index: slot.index,
        picture,
        ...(revisedPrompt === undefined ? {} : { revisedPrompt }),
        details,
      },
    ]
  }

  function finish(isStalled: boolean): Rest {
    const late = slots.all.filter(isGoodEnough).flatMap(deliver)
    const left = wanted.images - delivered()
    const isWithheld = (slot: Slot) =>
      slot.isModerated || (isStalled && !isOver(slot) && slot.best?.stage === 'medium')
    const withheld = Math.min(left, slots.all.filter(isWithheld).length)
    const blocked = Array.from(
      { length: withheld },
      (): ImageEvent => ({ type: 'blocked', reason: WITHHELD }),
    )
    return { events: [...late, ...blocked], missing: left - withheld }
  }

  return {
    take,
    get isDone() {
      const over = slots.all.filter(isOver).length
      return delivered() >= wanted.images || (over >= wanted.images && over === slots.all.length)
    },
    get awaited() {
      if (slots.all.length === 0) return 'start'
      const isThere = (slot: Slot) =>
        slot.isDelivered || (slot.isCompleted && !isOver(slot)) || isGoodEnough(slot)
      if (slots.all.some(isThere)) return 'rest'
      return slots.all.some(({ best }) => best?.stage === 'medium') ? 'final' : 'picture'
    },
    finish,
  }
}

function furthestOf(before: Stage | undefined, now: Stage | undefined): Stage | undefined {
  if (now === undefined || before === 'medium') return before
  return now
}
