/**
 * What happens until a run has ended, as it happens, and a `tick` every `interval` ms. Nothing waits for a tick:
 * it ends at once when the run does, also where events are left.
 */
export async function* whileRunning<Event>(
  events: AsyncIterable<Event>,
  run: Promise<unknown>,
  interval: number,
): AsyncGenerator<Event | 'tick', void> {
  const iterator = events[Symbol.asyncIterator]()
  const ended = run.then(returnEnded, returnEnded)
  const ticks = createTicks(interval)
  let next = nextOf(iterator)
  try {
    for (;;) {
      const first = await Promise.race([ended, next, ticks.next])
      if (first === 'ended') return
      if (first === 'tick') {
        ticks.start()
        yield first
      } else if (first === 'silent') next = NEVER
      else {
        next = nextOf(iterator)
        yield first.event
      }
    }
  } finally {
    ticks.stop()
    // Not awaited: a listener that waits for an event can only be closed when it comes.
    iterator.return?.().catch(() => {})
  }
}

const returnEnded = () => 'ended' as const

const NEVER = new Promise<never>(() => {})

/** The next event; `silent` when no more will come, for whatever reason: how the run ends is told by the run. */
async function nextOf<Event>(iterator: AsyncIterator<Event>): Promise<{ event: Event } | 'silent'> {
  try {
    const result = await iterator.next()
    return result.done ? 'silent' : { event: result.value }
  } catch {
    return 'silent'
  }
}

function createTicks(interval: number) {
  let timer: NodeJS.Timeout
  const ticks = {
    next: NEVER as Promise<'tick'>,
    start: () => {
      const { promise, resolve } = Promise.withResolvers<'tick'>()
      timer = setTimeout(() => resolve('tick'), interval)
      ticks.next = promise
    },
    stop: () => clearTimeout(timer),
  }
  ticks.start()
  return ticks
}
