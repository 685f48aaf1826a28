import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Facts } from '../facts.ts'
import { addColumns, createIndex } from './alter-table.ts'
import { createTable, required } from './create-table.ts'

/** Tasks that can be deleted and listed by their owner, callers' own keys, and counts that are kept instead of counted. */
export const batches = (facts: Facts): Migration => ({
  up: async (query) => {
    await addColumns(query, 'task', { deleted_at: 'bigint', credential: facts.text })
    await createIndex(query, facts, 'task', ['owner', 'deleted_at', 'id'])
    await createIndex(query, facts, 'task', ['deleted_at'], 'deleted_at')
    await createIndex(query, facts, 'image', ['deleted_at'], 'deleted_at')
    await createIndex(query, facts, 'blob', ['reference_count'])
    await createTable(query, facts, 'counter', (table) =>
      table
        .addColumn('owner', facts.varchar(64), required)
        .addColumn('name', facts.varchar(64), required)
        .addColumn('value', 'bigint', required)
        .addPrimaryKeyConstraint('counter_primary', ['owner', 'name']),
    )
    await countTasks(query)
  },
})

/** What is there already; a table that has been counted has its rows. */
async function countTasks(query: Kysely<unknown>): Promise<void> {
  await sql`delete from counter where name = 'tasks'`.execute(query)
  await sql`insert into counter (owner, name, value) select owner, 'tasks', count(*) from task group by owner`.execute(
    query,
  )
}
