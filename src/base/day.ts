/** The day of the calendar in a time zone, as `YYYY-MM-DD`. Days sort as text. @param now ms since the epoch */
export const dayIn = (timeZone: string, now: number): string => dayAt(timeZone, now).name

/** The month in a time zone, as `YYYY-MM`. */
export const monthIn = (timeZone: string, now: number): string => dayIn(timeZone, now).slice(0, 7)

/** When the day ends in a time zone, in ms since the epoch: the next midnight, or what stands for it where the clocks change then. */
export const endOfDay = (timeZone: string, now: number): number => dayAt(timeZone, now).until

interface Day {
  name: string
  from: number
  until: number
}

function dayAt(timeZone: string, now: number): Day {
  const zone = zoneOf(timeZone)
  const { last } = zone
  if (last && last.from <= now && now < last.until) return last
  const name = format(zone, now)
  zone.last = { name, from: now, until: endOf(zone, name, now) }
  return zone.last
}

/** What has been worked out for a time zone: a day is asked for with every request and changes once a day. */
interface Zone {
  format: Intl.DateTimeFormat
  last?: Day
}

const zones = new Map<string, Zone>()

function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone)
  if (known !== undefined) return known
  const zone: Zone = {
    format: new Intl.DateTimeFormat('en-u-ca-iso8601-nu-latn', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    }),
  }
  zones.set(timeZone, zone)
  return zone
}

function format({ format }: Zone, now: number): string {
  const parts = format.formatToParts(now)
  const part = (type: 'year' | 'month' | 'day') => parts.find((one) => one.type === type)?.value ?? ''
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`
}

const HOUR = 60 * 60 * 1000
/** Days with a change of clocks included. */
const LONGEST_DAY = 27 * HOUR

/** By halving: no rule about time zones is needed, whatever their clocks do. */
function endOf(zone: Zone, day: string, now: number): number {
  let before = now
  let after = now + LONGEST_DAY
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (format(zone, middle) === day) before = middle
    else after = middle
  }
  return after
}
