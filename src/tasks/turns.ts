/** A fixed number of places at work, given out in turn: each task that waits gets one before any gets a second. */
export interface Turns {
  /** Waits for a place. Rejects with the signal's reason. The place is free again when what is returned is called. */
  take(task: string, signal: AbortSignal): Promise<() => void>
}

interface Waiting {
  start(): void
}

/** @param places how many may be taken at the same time */
export function createTurns(places: number): Turns {
  let free = places
  /** The tasks that wait, the next one first, each with its calls in their order. */
  const queues = new Map<string, Set<Waiting>>()

  function startNext(): void {
    while (free > 0) {
      const [next] = queues
      if (next === undefined) return
      const [task, calls] = next
      const [first] = calls
      queues.delete(task)
      if (first === undefined) continue
      calls.delete(first)
      // Behind all others: their turn comes first.
      if (calls.size > 0) queues.set(task, calls)
      free -= 1
      first.start()
    }
  }

  function release(): () => void {
    let released = false
    return () => {
      if (released) return
      released = true
      free += 1
      startNext()
    }
  }

  return {
    take: (task, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const calls = queues.get(task) ?? new Set()
        const leave = () => {
          calls.delete(waiting)
          reject(signal.reason)
        }
        const waiting: Waiting = {
          start: () => {
            signal.removeEventListener('abort', leave)
            resolve(release())
          },
        }
        signal.addEventListener('abort', leave, { once: true })
        queues.set(task, calls.add(waiting))
        startNext()
      }),
  }
}
