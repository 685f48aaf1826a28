import type { Spooled } from '../../bytes/spooled.ts'
import type { PictureFrame } from './frame.ts'

/** How far a picture is. */
export type Stage = 'preview' | 'medium' | 'final'

/** Lengths of base64, as the oldest clients measured them. */
const MEDIUM_LENGTH = 30_000
const FINAL_LENGTH = 100_000

/** How much of the work a stage stands for where the upstream does not say. */
export const STAGE_PERCENT: Readonly<Record<Stage, number>> = { preview: 33, medium: 66, final: 100 }

/** By what the upstream says, else by size: the oldest generation said nothing. */
export function stageOf({ percent, picture }: Pick<PictureFrame, 'percent' | 'picture'>): Stage {
  const length = picture === undefined ? 0 : base64Length(picture)
  if (percent === undefined ? length >= FINAL_LENGTH : percent >= 100) return 'final'
  return length > MEDIUM_LENGTH ? 'medium' : 'preview'
}

/** Whether it is as large as finished pictures are. */
export const isLarge = (picture: Spooled): boolean => base64Length(picture) >= FINAL_LENGTH

function base64Length({ bytes }: Spooled): number {
  return 4 * Math.ceil(bytes / 3)
}
