import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const STEPS_PER_SECOND = 10

/** Spreads bytes over the time, or sends them at once where that is 0. A reader that is slower than that gets no more than it takes. */
export async function trickle(response: ServerResponse, bytes: Buffer, seconds: number): Promise<void> {
  if (seconds === 0) response.write(bytes)
  const steps = seconds * STEPS_PER_SECOND
  const started = performance.now()
  for (let step = 0; step < steps && !response.destroyed; step += 1) {
    const at = (part: number) => Math.round((bytes.length * part) / steps)
    const isTaken = response.write(bytes.subarray(at(step), at(step + 1)))
    if (!isTaken) await roomIn(response)
    await sleep(Math.max(0, started + ((step + 1) * 1000) / STEPS_PER_SECOND - performance.now()))
  }
}

function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}
