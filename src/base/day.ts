/** The calendar day in a time zone (IANA name), as `YYYY-MM-DD`. `now` in ms since the epoch. */
export const dayIn = (timeZone: string, now: number): string => dayAt(timeZone, now).day

/** The calendar month in a time zone, as `YYYY-MM`. */
export const monthIn = (timeZone: string, now: number): string => dayIn(timeZone, now).slice(0, 7)

/** When the day ends, in ms since the epoch: the first moment of the next one. Days with a change of the clocks are longer or shorter. */
export const endOfDay = (timeZone: string, now: number): number => dayAt(timeZone, now).end

/** When the month ends, in ms since the epoch: the first moment of the next one. */
export function endOfMonth(timeZone: string, now: number): number {
  const month = monthIn(timeZone, now)
  return firstMoment(now, now + LONGEST_MONTH, (moment) => write(timeZone, moment).slice(0, 7) !== month)
}

const HOUR = 60 * 60 * 1000
/** No day of any zone is as long. */
const LONGEST_DAY = 30 * HOUR
const LONGEST_MONTH = 33 * 24 * HOUR

interface Day {
  day: string
  /** A moment within the day. */
  from: number
  end: number
}

/** The last day that was asked for, by zone: nearly always the one that is asked for next. */
const known = new Map<string, Day>()

function dayAt(timeZone: string, now: number): Day {
  const last = known.get(timeZone)
  if (last !== undefined && now >= last.from && now < last.end) return last
  const day = write(timeZone, now)
  const end = firstMoment(now, now + LONGEST_DAY, (moment) => write(timeZone, moment) !== day)
  const found = { day, from: now, end }
  known.set(timeZone, found)
  return found
}

/** The first moment at which it is so: not yet at `from`, at `to` for certain. */
function firstMoment(from: number, to: number, isSo: (moment: number) => boolean): number {
  let [before, after] = [from, to]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (isSo(middle)) after = middle
    else before = middle
  }
  return after
}

const formats = new Map<string, Intl.DateTimeFormat>()

function write(timeZone: string, moment: number): string {
  const format = formats.get(timeZone) ?? newFormat(timeZone)
  const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, value]))
  return `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`
}

function newFormat(timeZone: string): Intl.DateTimeFormat {
  const options = { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' } as const
  const format = new Intl.DateTimeFormat('en-US', options)
  formats.set(timeZone, format)
  return format
}
