// Shows on the terminal how far long work has come.
import type { Report, Step } from '../src/admin/report.ts'

/** Between two looks of the terminal, in ms. */
const REFRESH = 200

/** On a terminal, one line that changes; else a line for each kind of work when it is over. */
export function createReport(): Report & { end(): void } {
  let last: Step | undefined
  let shownAt = 0
  let beganAt = performance.now()
  const show = (step: Step, isOver: boolean) => {
    const text = describe(step, performance.now() - beganAt, isOver)
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}${isOver ? '\n' : ''}`)
    else if (isOver) process.stdout.write(`${text}\n`)
    shownAt = performance.now()
  }
  const end = () => {
    if (last) show(last, true)
    last = undefined
  }
  const report = (step: Step) => {
    if (step.what !== last?.what) {
      end()
      beganAt = performance.now()
    }
    last = step
    if (performance.now() - shownAt > REFRESH) show(step, false)
  }
  return Object.assign(report, { end })
}

function describe({ what, done, total, bytes, totalBytes }: Step, elapsed: number, isOver: boolean): string {
  const count = total === undefined ? String(done) : `${done} of ${total}`
  const size = bytes === undefined ? '' : `, ${toSize(bytes)}${totalBytes ? ` of ${toSize(totalBytes)}` : ''}`
  const share = totalBytes ? (bytes ?? 0) / totalBytes : total ? done / total : 0
  const left = isOver || share <= 0 ? '' : `, about ${toTime((elapsed / share) * (1 - share))} left`
  return `  ${what}: ${count}${size}${left}`
}

/** Bytes for people. */
export function toSize(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  return `${step === 0 ? bytes : (bytes / 1024 ** step).toFixed(1)} ${units[step]}`
}

function toTime(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}
