import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Facts } from '../facts.ts'
import { addColumns, createIndex } from './alter-table.ts'

/** Where the bytes of a picture are: on this machine's disk, in the object storage, or both. */
export const objects = (facts: Facts): Migration => ({
  up: async (query) => {
    await addColumns(query, 'blob', {
      remote_state: facts.varchar(16),
      remote_error: facts.text,
      remote_attempts: 'integer',
      remote_at: 'bigint',
      uploaded_at: 'bigint',
      local_at: 'bigint',
    })
    await placeOlder(query)
    await createIndex(query, facts, 'blob', ['remote_at'], 'remote_at')
    await createIndex(query, facts, 'blob', ['remote_state', 'local_at'], 'local_at')
  },
})

/** What is there already lies on the local disk and has never been uploaded. */
async function placeOlder(query: Kysely<unknown>): Promise<void> {
  await sql`update ${sql.table('blob')} set remote_state = 'pending', remote_attempts = 0, remote_at = created_at, local_at = created_at
    where remote_state is null`.execute(query)
}
