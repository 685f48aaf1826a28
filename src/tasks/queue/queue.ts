/**
 * Work that survives a restart. A job is handed out at least once: a process that dies in the middle of one leaves it
 * to the next. Every queue passes `conformance.ts`.
 */
export interface Queue {
  /** Leaves a job and returns its id. A job with the same id that is still there stays, and no second one is made. */
  add(queue: string, payload: unknown, options?: AddOptions): Promise<string>
  /** Runs the jobs of a queue here, oldest first; to be called once per queue. */
  work(queue: string, options: WorkOptions, handler: JobHandler): void
  /** Takes away a job that waits or has failed; false when there is none, also when it is running. */
  remove(id: string): Promise<boolean>
  /** How many jobs there are, by queue; a queue without jobs is absent. */
  depth(): Promise<Record<string, QueueDepth>>
  /**
   * Takes no more jobs. Those that run get `grace` ms to end, then their signal aborts, and those that still do not
   * end go back to waiting at once, for another process or the next start.
   */
  close(options?: { grace?: number }): Promise<void>
}

export interface AddOptions {
  /** Up to 64 letters and digits; made up when absent. */
  id?: string
  /** Ms to wait before it may run. */
  delay?: number
  /** How often it is tried before it counts as failed; 5 when absent. */
  attempts?: number
}

export interface WorkOptions {
  /** Most jobs at the same time. */
  concurrency: number
}

/**
 * Does one job. A job is done when this resolves. When it throws, the job is tried again later, each time after a
 * longer pause, until its attempts are used up; then it stays as failed with the error's message.
 */
export type JobHandler = (job: Job) => Promise<void>

export interface Job {
  id: string
  payload: unknown
  /** From 1; more than 1 also when an earlier process died in the middle of it. */
  attempt: number
  /** Aborts when the queue closes, and when the job was taken over because this process seemed to be dead. */
  signal: AbortSignal
}

export interface QueueDepth {
  waiting: number
  running: number
  failed: number
}
