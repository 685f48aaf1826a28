/** How long a stream may be silent, in ms, before something shows that it is alive. */
const HEARTBEAT = 15_000

/** The same events, with `heartbeat` among them where none came for a while. */
export async function* withHeartbeat<T>(events: AsyncIterable<T>): AsyncIterable<T | 'heartbeat'> {
  const iterator = events[Symbol.asyncIterator]()
  let next = iterator.next()
  for (;;) {
    const timer = Promise.withResolvers<'heartbeat'>()
    const timeout = setTimeout(() => timer.resolve('heartbeat'), HEARTBEAT)
    const first = await Promise.race([next, timer.promise]).finally(() => clearTimeout(timeout))
    if (first === 'heartbeat') yield first
    else if (first.done) return
    else {
      yield first.value
      next = iterator.next()
    }
  }
}
