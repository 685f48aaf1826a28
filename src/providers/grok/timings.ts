import type { Awaited } from './collector.ts'

/** How long the upstream is waited for, in ms. Why these: docs/grok.md. */
export interface Timings {
  /** Until the WebSocket is open. */
  connect: number
  /** From the prompt to the first sign that it draws. */
  start: number
  /** Without a frame, when a good preview has come and no final picture. */
  final: number
  /** Without a frame, when at least one picture is there. */
  rest: number
  /** For everything. */
  all: number
}

export const TIMINGS: Omit<Timings, 'all'> = { connect: 30_000, start: 30_000, final: 15_000, rest: 10_000 }

/** What was waited for in vain. */
export type Expired = Awaited | 'all'

/** The end of all waiting for one socket. */
export interface Patience {
  /** Aborts when the caller gives up or when time is up. */
  readonly signal: AbortSignal
  /** Which time is up; undefined while none is. */
  readonly expired: Expired | undefined
  /** From now on this is waited for. */
  await(what: Awaited): void
  /** Something came that does not say yet what it is. */
  refresh(): void
  /** Must be called at the end. */
  release(): void
}

export function createPatience(outer: AbortSignal, timings: Timings): Patience {
  const controller = new AbortController()
  let expired: Expired | undefined
  const expire = (what: Expired) => {
    expired ??= what
    controller.abort(new Error(`waited in vain: ${what}`))
  }
  const leave = () => controller.abort(outer.reason)
  const all = setTimeout(expire, timings.all, 'all')
  let pause: NodeJS.Timeout | undefined
  if (outer.aborted) leave()
  else outer.addEventListener('abort', leave, { once: true })
  return {
    signal: controller.signal,
    get expired() {
      return expired
    },
    await: (what) => {
      clearTimeout(pause)
      // A picture takes as long as it takes; only the whole has an end.
      pause = what === 'picture' ? undefined : setTimeout(expire, timings[what], what)
    },
    refresh: () => void pause?.refresh(),
    release: () => {
      clearTimeout(all)
      clearTimeout(pause)
      outer.removeEventListener('abort', leave)
    },
  }
}
