import { sql } from 'kysely'
import type { Clock } from '../../base/clock.ts'
import type { Database } from '../../db/connect.ts'
import { upsert } from '../../db/upsert.ts'

/** A translated prompt as it is remembered. */
export interface KeptTranslation {
  /** Of the prompt, as a BCP 47 tag. */
  language: string
  translated: string
}

export interface FoundTranslation extends KeptTranslation {
  /** It was there, or another request was already bringing it. */
  cached: boolean
}

export interface TranslationRequest {
  /** Ask even where one is remembered, and remember the new one. */
  force: boolean
  /** Brings a translation that is not remembered. Its signal aborts when nobody waits for it any more. */
  make: (signal: AbortSignal) => Promise<KeptTranslation>
  /** Ends the wait of this one caller. */
  signal: AbortSignal
}

export interface TranslationStatistics {
  size: number
  /** Since this process began. */
  hits: number
  misses: number
  /** The ones used last. */
  keys: string[]
}

/** Translations of earlier prompts, kept in the database. */
export interface Translations {
  /** The translation under this key; what is being brought for one caller serves all who want it meanwhile. */
  find(key: string, request: TranslationRequest): Promise<FoundTranslation>
  statistics(): Promise<TranslationStatistics>
  /** Forgets all; returns how many there were. */
  clear(): Promise<number>
  /** Forgets those above the limit that were not used for longest. */
  trim(): Promise<void>
}

/** Most translations that are remembered after a trim. */
const MOST_KEPT = 10_000

/** Times of use are only that exact, so that a hit is seldom a write. In ms. */
const USE_STEP = 60 * 60_000

/** What one call brings for all that wait for it. */
interface Flight {
  result: Promise<FoundTranslation>
  waiting: number
  unwanted: AbortController
}

export function createTranslations(
  database: Database,
  clock: Clock,
  { mostKept = MOST_KEPT }: { mostKept?: number } = {},
): Translations {
  const { query } = database
  const flights = new Map<string, Flight>()
  let hits = 0
  let misses = 0

  async function read(key: string): Promise<FoundTranslation | undefined> {
    const row = await query
      .selectFrom('translation')
      .select(['language', 'translated', 'used_at'])
      .where('key', '=', key)
      .executeTakeFirst()
    if (row === undefined) return undefined
    const now = clock.now()
    if (now - row.used_at >= USE_STEP)
      await query.updateTable('translation').set({ used_at: now }).where('key', '=', key).execute()
    return { language: row.language, translated: row.translated, cached: true }
  }

  async function bring(key: string, { force, make }: TranslationRequest, unwanted: AbortSignal) {
    const kept = force ? undefined : await read(key)
    if (kept) {
      hits += 1
      return kept
    }
    misses += 1
    const { language, translated } = await make(unwanted)
    const now = clock.now()
    const row = { key, language, translated, created_at: now, used_at: now }
    await upsert(database, query, 'translation', row, ['key'])
    return { language, translated, cached: false }
  }

  function start(key: string, request: TranslationRequest): Flight {
    const unwanted = new AbortController()
    const flight: Flight = { result: bring(key, request, unwanted.signal), waiting: 0, unwanted }
    flights.set(key, flight)
    const forget = () => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    unwanted.signal.addEventListener('abort', forget)
    flight.result.then(forget, forget)
    return flight
  }

  return {
    find: async (key, request) => {
      const current = request.force ? undefined : flights.get(key)
      const found = await join(current ?? start(key, request), request.signal)
      if (current && !found.cached) hits += 1
      return current ? { ...found, cached: true } : found
    },
    statistics: async () => {
      const { size } = await query
        .selectFrom('translation')
        .select(sql<number>`count(*)`.as('size'))
        .executeTakeFirstOrThrow()
      const rows = await query
        .selectFrom('translation')
        .select('key')
        .orderBy('used_at', 'desc')
        .orderBy('key')
        .limit(10)
        .execute()
      return { size, hits, misses, keys: rows.map(({ key }) => key) }
    },
    clear: async () => {
      const { numDeletedRows } = await query.deleteFrom('translation').executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    },
    trim: async () => {
      const surplus = await query
        .selectFrom('translation')
        .select('key')
        .orderBy('used_at', 'desc')
        .orderBy('key', 'desc')
        .limit(MOST_TRIMMED)
        .offset(mostKept)
        .execute()
      const keys = surplus.map(({ key }) => key)
      if (keys.length > 0) await query.deleteFrom('translation').where('key', 'in', keys).execute()
    },
  }
}

/** At one time; the next trim takes the rest. */
const MOST_TRIMMED = 1000

/** Waits for a flight until the signal. It goes on for the others, and ends with the last one. */
async function join(flight: Flight, signal: AbortSignal): Promise<FoundTranslation> {
  const { promise, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason)
  flight.waiting += 1
  signal.addEventListener('abort', leave)
  if (signal.aborted) leave()
  try {
    return await Promise.race([promise, flight.result])
  } finally {
    signal.removeEventListener('abort', leave)
    flight.waiting -= 1
    if (flight.waiting === 0) flight.unwanted.abort()
  }
}
