import type { EnlargeInput } from './enlarge.ts'
import type { Derivatives } from './make-derivatives.ts'

/** Parent to child: one picture to work on. The child answers each with one {@link WorkerReply}. */
export type WorkerRequest = DeriveRequest | EnlargeRequest

export interface DeriveRequest {
  type: 'derive'
  source: string
  targets: { 320: string; 1280: string }
  /** Ends the names of unfinished files, so that the parent can remove them when the child dies. */
  suffix: string
}

export interface EnlargeRequest extends EnlargeInput {
  type: 'enlarge'
}

/** Child to parent. `code` is the operating system's (`ENOSPC`), where there is one. */
export type WorkerReply =
  | { type: 'derived'; derivatives: Derivatives }
  | { type: 'enlarged' }
  | { type: 'failed'; message: string; code?: string | undefined }
