import { randomBytes } from 'node:crypto'
import { v7 } from 'uuid'

/** A new id: uuidv7, so ids sort by the time they were made, and its 74 random bits cannot be guessed. */
export const newId = (): string => v7()

/** A new id that sorts as if it had been made at that time, in ms since the epoch. */
export const newIdAt = (time: number): string => v7({ msecs: time })

/** A name for a request in log lines and headers: unique, and much cheaper than an id. */
export const newRequestId = (): string => {
  requests += 1
  return `${PROCESS}-${requests.toString(36)}`
}

const PROCESS = randomBytes(6).toString('hex')
let requests = 0

/** Whether a text has the form of our ids; anything else needs no look into the database. */
export const isId = (text: string): boolean => ID.test(text)

/** What every id sorts after that was made at this time, in ms since the epoch, or later, and before all earlier ones. */
export function idsFrom(time: number): string {
  const hex = Math.max(0, Math.min(LAST_TIME, Math.trunc(time)))
    .toString(16)
    .padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

/** 48 bits. */
const LAST_TIME = 2 ** 48 - 1

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
