/** How far long work has come. */
export interface Step {
  /** What is done now, in words, e.g. `rows`. */
  what: string
  done: number
  /** Unknown where nobody has counted. */
  total?: number | undefined
  /** Bytes so far; of `totalBytes`, where that is known. */
  bytes?: number
  totalBytes?: number | undefined
}

/** Is told of every step; called often. */
export type Report = (step: Step) => void
