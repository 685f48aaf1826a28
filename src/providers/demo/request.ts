import type { OutputFormat } from '../../../contract/job.ts'
import type { Spooled } from '../../bytes/spooled.ts'

/** Pixels of a side. */
export const MIN_SIDE = 64
export const MAX_SIDE = 4096

/** Pixels. */
export interface Size {
  width: number
  height: number
}

/** A part of a picture. */
export interface Box extends Size {
  x: number
  y: number
}

/** One call to the painter. */
export interface DemoRequest {
  prompt: string
  size: Size
  /** Seed of the first picture; each further one has the next. Drawn by lot when the call runs where it is absent. */
  seed: number | undefined
  images: number
  /** Previews of each picture. */
  previews: number
  format: OutputFormat
  /** Percent, for jpeg and webp. */
  quality: number
  /** What an edit or variation starts from, the main picture first; empty for a new picture. */
  references: readonly Spooled[]
  mask: Spooled | undefined
}

/** Whether a value was made by `planCalls`. */
export function isDemoRequest(value: unknown): value is DemoRequest {
  return typeof value === 'object' && value !== null && 'previews' in value && 'references' in value
}
