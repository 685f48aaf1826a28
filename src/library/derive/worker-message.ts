import type { Derivatives } from './make-derivatives.ts'

/** Parent to child: one picture to work on. The child answers each with one {@link WorkerReply}. */
export interface WorkerRequest {
  source: string
  targets: { 320: string; 1280: string }
  /** Ends the names of unfinished files, so that the parent can remove them when the child dies. */
  suffix: string
}

/** Child to parent. `code` is the operating system's (`ENOSPC`), where there is one. */
export type WorkerReply =
  | { type: 'done'; derivatives: Derivatives }
  | { type: 'failed'; message: string; code?: string | undefined }
