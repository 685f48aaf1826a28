import type { Migration } from 'kysely/migration'
import type { Facts } from '../facts.ts'
import { addColumns } from './alter-table.ts'
import { createTable, required } from './create-table.ts'

/** Keys for upstreams with their use and their rests, and tasks that are bound to a pool of them. */
export const accounts = (facts: Facts): Migration => ({
  up: async (query) => {
    const { varchar, text } = facts
    await createTable(query, facts, 'account', (table) =>
      table
        .addColumn('id', varchar(36), (column) => column.primaryKey())
        .addColumn('provider', varchar(64), required)
        .addColumn('pool', varchar(64))
        .addColumn('source', varchar(16), required)
        .addColumn('fingerprint', varchar(64), required)
        .addColumn('sealed', text)
        .addColumn('masked', varchar(32), required)
        .addColumn('weight', 'integer', required)
        .addColumn('priority', 'integer', required)
        .addColumn('daily_limit', 'integer')
        .addColumn('state', varchar(16), required)
        .addColumn('used_day', varchar(10), required)
        .addColumn('used_today', 'integer', required)
        .addColumn('used_total', 'bigint', required)
        .addColumn('failures', 'integer', required)
        .addColumn('last_error', text)
        .addColumn('last_used_at', 'bigint')
        .addColumn('created_at', 'bigint', required)
        .addUniqueConstraint('account_provider_fingerprint', ['provider', 'fingerprint']),
    )
    await createTable(query, facts, 'account_rest', (table) =>
      table
        .addColumn('account_id', varchar(36), required)
        .addColumn('model', varchar(255), required)
        .addColumn('until', 'bigint', required)
        .addColumn('kind', varchar(32), required)
        .addColumn('detail', text, required)
        .addPrimaryKeyConstraint('account_rest_primary', ['account_id', 'model']),
    )
    await addColumns(query, 'task', { pool: varchar(64) })
  },
})
