import { chunked } from '../../db/chunked.ts'
import type { Objects } from './objects.ts'

/** Which originals were used, collected in memory: looking at a picture writes nothing. */
export interface Accesses {
  note(sha256: string): void
  /** Writes down what was collected; a crash loses some seconds of it. */
  flush(): Promise<void>
}

/** What comes above it is not noted; long before, the notes are flushed. */
const MOST_NOTES = 100_000

export function createAccesses({ database, clock }: Pick<Objects, 'database' | 'clock'>): Accesses {
  const notes = new Set<string>()
  return {
    note: (sha256) => {
      if (notes.size >= MOST_NOTES) return
      notes.add(sha256)
    },
    flush: async () => {
      const used = [...notes].sort()
      notes.clear()
      for (const some of chunked(used, 500)) {
        await database.query
          .updateTable('blob')
          .set({ local_at: clock.now() })
          .where('sha256', 'in', some)
          // Not of copies that are gone.
          .where('local_at', 'is not', null)
          .execute()
      }
    },
  }
}
