import type { Logger } from '../../base/log.ts'
import type { Database } from '../../db/connect.ts'
import { addEvents, type Events } from './account-table.ts'

/** Collects what happens to accounts, and writes it down every few seconds: a request should not wait for it. */
export interface Ledger {
  note(id: string, events: Partial<Events>): void
  /** What has not been written down yet. */
  pending(): ReadonlyMap<string, Events>
  /** Writes it down now. What cannot be written is kept for the next time. */
  flush(): Promise<void>
  /** Writes the last of it down. */
  close(): Promise<void>
}

export interface LedgerOptions {
  database: Database
  log: Logger
  /** Today, as YYYY-MM-DD. */
  today(): string
}

/** What a process that is killed can lose, in ms: of use without a limit, which is only told. */
const FLUSH_AFTER = 3000

export function createLedger({ database, log, today }: LedgerOptions): Ledger {
  let noted = new Map<string, Events>()
  let writing = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  function note(id: string, events: Partial<Events>): void {
    const before = noted.get(id)
    noted.set(id, {
      pictures: (before?.pictures ?? 0) + (events.pictures ?? 0),
      failures: (before?.failures ?? 0) + (events.failures ?? 0),
      lastError: events.lastError ?? before?.lastError,
      lastUsedAt: events.lastUsedAt ?? before?.lastUsedAt,
    })
    timer ??= setTimeout(() => void flush(), FLUSH_AFTER).unref()
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }

  async function write(): Promise<void> {
    const taken = noted
    noted = new Map()
    if (taken.size === 0) return
    // Always in the same order, or two processes could each wait for the other.
    const entries = [...taken].sort(([a], [b]) => (a < b ? -1 : 1))
    try {
      await database.query.transaction().execute(async (query) => {
        for (const [id, events] of entries) await addEvents(query, id, today(), events)
      })
    } catch (error) {
      log.warn({ err: error }, 'the use of accounts could not be written down')
      const later = noted
      noted = taken
      for (const [id, events] of later) note(id, events)
    }
  }

  return {
    note,
    pending: () => noted,
    flush,
    close: async () => {
      await flush()
      clearTimeout(timer)
    },
  }
}
