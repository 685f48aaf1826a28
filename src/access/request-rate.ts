import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/error.ts'

/** How often each key asks, over the last minute. Known to this process alone. */
export interface RequestRate {
  /** Counts a request. @throws AppError `request_rate_reached` when there were as many in the last minute */
  count(key: string, perMinute: number): void
}

const MINUTE = 60_000
/** The keys that asked last are known. */
const MOST_KEYS = 10_000

/** The times of the last requests, the oldest of which is overwritten. */
interface Times {
  list: number[]
  next: number
}

export function createRequestRate(clock: Clock): RequestRate {
  const known = new LRUCache<string, Times>({ max: MOST_KEYS })
  return {
    count: (key, perMinute) => {
      const now = clock.now()
      const times = fitting(known.get(key), perMinute)
      known.set(key, times)
      const oldest = times.list[times.next]
      // A clock that was set back must not lock anybody out.
      if (oldest !== undefined && oldest <= now && oldest > now - MINUTE) {
        const retryAfter = (oldest + MINUTE - now) / 1000
        throw new AppError('request_rate_reached', { values: { max: perMinute }, retryAfter })
      }
      times.list[times.next] = now
      times.next = (times.next + 1) % perMinute
    },
  }
}

/** As many places as there may be requests; when the limit was changed, the last requests still count. */
function fitting(times: Times | undefined, places: number): Times {
  if (times === undefined) return { list: [], next: 0 }
  const { list, next } = times
  if (next < places && (list.length === places || (list.length < places && next === list.length)))
    return times
  const inOrder = [...list.slice(next), ...list.slice(0, next)].slice(-places)
  return { list: inOrder, next: inOrder.length % places }
}
