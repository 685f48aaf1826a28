import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Facts } from '../facts.ts'
import { addColumns, createIndex } from './alter-table.ts'
import { createTable, required } from './create-table.ts'

/** The admin account with its sessions, and counts of pictures that are kept instead of counted. */
export const admin = (facts: Facts): Migration => ({
  up: async (query) => {
    const { varchar, text } = facts
    await createTable(query, facts, 'admin', (table) =>
      table
        .addColumn('id', varchar(36), (column) => column.primaryKey())
        .addColumn('username', varchar(64), (column) => column.notNull().unique())
        .addColumn('password_hash', varchar(255), required)
        .addColumn('created_at', 'bigint', required),
    )
    await createTable(
      query,
      facts,
      'login_failure',
      (table) =>
        table
          .addColumn('who', varchar(64), (column) => column.primaryKey())
          .addColumn('times', text, required)
          .addColumn('last_at', 'bigint', required),
      [['last_at']],
    )
    await addColumns(query, 'session', { admin_id: varchar(36) })
    // Sessions from before there was an account belong to nobody.
    await sql`delete from session where admin_id is null`.execute(query)
    await createIndex(query, facts, 'image', ['model', 'id'])
    await countPictures(query)
  },
})

/** What is there already. */
async function countPictures(query: Kysely<unknown>): Promise<void> {
  await sql`delete from counter where name in ('images', 'image_bytes', 'blob_bytes')`.execute(query)
  await sql`insert into counter (owner, name, value)
    select owner, 'images', count(*) from image where deleted_at is null group by owner`.execute(query)
  await sql`insert into counter (owner, name, value)
    select owner, 'image_bytes', sum(bytes) from image where deleted_at is null group by owner`.execute(query)
  await sql`insert into counter (owner, name, value)
    select '', 'blob_bytes', coalesce(sum(bytes), 0) from ${sql.table('blob')} where reference_count > 0`.execute(
    query,
  )
}
