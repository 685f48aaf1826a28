/** The running tasks of this process that can be told to stop. */
export interface Cancellations {
  /** The signal under which a task runs. */
  signalFor(taskId: string): AbortSignal
  /** Stops a task; false when it does not run here. */
  cancel(taskId: string): boolean
  /** To be called when a task has ended. */
  forget(taskId: string): void
}

export function createCancellations(): Cancellations {
  const controllers = new Map<string, AbortController>()
  return {
    signalFor: (taskId) => {
      const controller = controllers.get(taskId) ?? new AbortController()
      controllers.set(taskId, controller)
      return controller.signal
    },
    cancel: (taskId) => {
      const controller = controllers.get(taskId)
      controller?.abort()
      return controller !== undefined
    },
    forget: (taskId) => void controllers.delete(taskId),
  }
}
