/** The running tasks of this process that can be told to stop. */
export interface Cancellations {
  /** The signals under which a task runs: `cancelled` ends its calls, `halted` lets no more begin. */
  signalsFor(taskId: string): { cancelled: AbortSignal; halted: AbortSignal }
  /** Stops a task at once, or after the calls that are under way; false when it does not run here. */
  stop(taskId: string, how: 'cancelled' | 'halted'): boolean
  /** To be called when a task has ended. */
  forget(taskId: string): void
}

export function createCancellations(): Cancellations {
  const running = new Map<string, Record<'cancelled' | 'halted', AbortController>>()
  return {
    signalsFor: (taskId) => {
      const { cancelled, halted } = running.get(taskId) ?? {
        cancelled: new AbortController(),
        halted: new AbortController(),
      }
      running.set(taskId, { cancelled, halted })
      return { cancelled: cancelled.signal, halted: halted.signal }
    },
    stop: (taskId, how) => {
      const controllers = running.get(taskId)
      controllers?.[how].abort()
      return controllers !== undefined
    },
    forget: (taskId) => void running.delete(taskId),
  }
}
