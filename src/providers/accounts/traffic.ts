/** The calls of each account that are under way, for whatever model. */
export interface Traffic {
  /** Whether an account has as many calls as it may. */
  isFull(id: string): boolean
  /**
   * Begins a call, once there is room for it. The call has ended when what is returned is called.
   * Rejects with the signal's reason.
   */
  enter(id: string, signal: () => AbortSignal): Promise<() => void>
}

interface Road {
  calls: number
  waiting: Set<() => void>
}

/** @param concurrency most calls of one account at the same time; 0 for any number */
export function createTraffic(concurrency: number): Traffic {
  const roads = new Map<string, Road>()
  const most = concurrency === 0 ? Number.POSITIVE_INFINITY : concurrency

  function leave(id: string, road: Road): void {
    road.calls -= 1
    const [next] = road.waiting
    if (next !== undefined) next()
    else if (road.calls === 0) roads.delete(id)
  }

  return {
    isFull: (id) => (roads.get(id)?.calls ?? 0) >= most,
    enter: async (id, signal) => {
      const road = roads.get(id) ?? { calls: 0, waiting: new Set() }
      roads.set(id, road)
      while (road.calls >= most) await untilFree(road.waiting, signal())
      road.calls += 1
      return () => leave(id, road)
    },
  }
}

/** Waits in the row until it is called. */
function untilFree(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      waiting.delete(proceed)
      reject(signal.reason)
    }
    const proceed = () => {
      waiting.delete(proceed)
      signal.removeEventListener('abort', leave)
      resolve()
    }
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    waiting.add(proceed)
  })
}
