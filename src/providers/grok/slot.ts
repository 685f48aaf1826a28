import type { Spooled } from '../../bytes/spooled.ts'
import type { PictureFrame, SlotFrame, StatusFrame } from './frame.ts'
import { isLarge, STAGE_PERCENT, type Stage, stageOf } from './stage.ts'

/** A picture together with what was said of it. */
type Shown = PictureFrame & { picture: Spooled; stage: Stage }

/** One picture of the batch on its way. */
export interface Slot {
  /** Order of appearance. */
  index: number
  /** 0..100. */
  percent: number
  /** The best stage that has come. */
  best: Shown | undefined
  /** Previews handed on. */
  previews: number
  /** The upstream says that nothing more will come. */
  isCompleted: boolean
  /** Withheld by moderation. */
  isModerated: boolean
  /** The upstream could not draw it. */
  isFailed: boolean
  isDelivered: boolean
}

export interface Slots {
  readonly all: readonly Slot[]
  /** The slot that a frame is about; a new one where it is about none that is known. */
  of(frame: SlotFrame): Slot
}

export function createSlots(): Slots {
  const all: Slot[] = []
  const byId = new Map<string, Slot>()
  const byOrder = new Map<number, Slot>()
  /** Slots that no frame has called by an id yet. */
  const nameless = new Set<Slot>()

  function find({ ids, order = 0 }: SlotFrame): Slot | undefined {
    const known = ids.map((id) => byId.get(id)).find((slot) => slot !== undefined)
    const same = byOrder.get(order)
    return known ?? (same !== undefined && (ids.length === 0 || nameless.has(same)) ? same : undefined)
  }

  function create(): Slot {
    const slot = newSlot(all.length)
    all.push(slot)
    nameless.add(slot)
    return slot
  }

  return {
    all,
    of: (frame) => {
      const slot = find(frame) ?? create()
      for (const id of frame.ids) byId.set(id, slot)
      if (frame.ids.length > 0) nameless.delete(slot)
      if (!byOrder.has(frame.order ?? 0)) byOrder.set(frame.order ?? 0, slot)
      return slot
    },
  }
}

function newSlot(index: number): Slot {
  return {
    index,
    percent: 0,
    best: undefined,
    previews: 0,
    isCompleted: false,
    isModerated: false,
    isFailed: false,
    isDelivered: false,
  }
}

/** Notes a stage of the picture; its kind, where the frame had a picture. A final one wins, else the larger. */
export function addPicture(slot: Slot, frame: PictureFrame): Stage | undefined {
  addFacts(slot, frame)
  const { picture } = frame
  if (picture === undefined) return undefined
  const shown: Shown = { ...frame, picture, stage: stageOf(frame) }
  slot.percent = Math.max(slot.percent, frame.percent ?? STAGE_PERCENT[shown.stage])
  if (slot.best === undefined || rank(shown) >= rank(slot.best)) slot.best = shown
  return shown.stage
}

export function addStatus(slot: Slot, frame: StatusFrame): void {
  addFacts(slot, frame)
  slot.isCompleted ||= frame.status === 'completed'
  slot.isFailed ||= frame.status === 'error'
}

/**
 * Whether the picture may be handed over now: it is the final one and, where the upstream says at all when a picture is
 * completed, it has said so, because only then it also says whether the picture is withheld.
 */
export function isReady(slot: Slot, upstreamTells: boolean): boolean {
  const { best } = slot
  if (best === undefined || isOver(slot)) return false
  if (slot.isCompleted) return best.stage === 'final' || best.percent === undefined || isLarge(best.picture)
  return best.stage === 'final' && !upstreamTells
}

/** Whether the picture may be handed over when nothing more can be waited for. A preview never may. */
export function isGoodEnough(slot: Slot): boolean {
  const { best } = slot
  return best !== undefined && (isReady(slot, false) || (!isOver(slot) && isLarge(best.picture)))
}

/** Whether nothing more can come of it. */
export function isOver({ isDelivered, isModerated, isFailed }: Slot): boolean {
  return isDelivered || isModerated || isFailed
}

function addFacts(slot: Slot, { percent = 0, isModerated }: SlotFrame): void {
  slot.percent = Math.min(100, Math.max(slot.percent, percent))
  slot.isModerated ||= isModerated
}

function rank({ stage, picture }: Shown): number {
  return (stage === 'final' ? 1e12 : 0) + picture.bytes
}
