import type { Migration } from 'kysely/migration'
import type { Facts } from '../facts.ts'
import { addColumns } from './alter-table.ts'
import { createTable, required } from './create-table.ts'

/** Limits of API keys, what they have used of them, and usage by day. */
export const keys = (facts: Facts): Migration => ({
  up: async (query) => {
    const { varchar, text } = facts
    await addColumns(query, 'api_key', {
      suffix: varchar(8),
      daily_limit: 'bigint',
      monthly_limit: 'bigint',
      rpm: 'bigint',
      models: text,
      expires_at: 'bigint',
      account_pool: varchar(255),
      note: text,
      updated_at: 'bigint',
    })
    await addColumns(query, 'task', { reserved: 'bigint', reserved_day: varchar(10), uncounted: 'bigint' })
    await createTable(query, facts, 'key_quota', (table) =>
      table
        .addColumn('owner', varchar(64), required)
        .addColumn('period', varchar(10), required)
        .addColumn('used', 'bigint', required)
        .addPrimaryKeyConstraint('key_quota_primary', ['owner', 'period']),
    )
    await createTable(query, facts, 'usage_day', (table) =>
      table
        .addColumn('day', varchar(10), required)
        .addColumn('owner', varchar(64), required)
        .addColumn('model', varchar(255), required)
        .addColumn('provider', varchar(64), required)
        .addColumn('requests', 'bigint', required)
        .addColumn('pictures', 'bigint', required)
        .addColumn('errors', 'bigint', required)
        .addColumn('input_tokens', 'bigint', required)
        .addColumn('output_tokens', 'bigint', required)
        .addColumn('latency', 'bigint', required)
        .addColumn('cost', 'bigint', required)
        .addColumn('unpriced', 'bigint', required)
        .addPrimaryKeyConstraint('usage_day_primary', ['day', 'owner', 'model', 'provider']),
    )
  },
})
