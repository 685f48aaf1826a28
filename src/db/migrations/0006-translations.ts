import type { Migration } from 'kysely/migration'
import type { Facts } from '../facts.ts'
import { addColumns } from './alter-table.ts'
import { createTable, required } from './create-table.ts'

/** Translated prompts: those that are remembered, and what was sent for each picture. */
export const translations = (facts: Facts): Migration => ({
  up: async (query) => {
    await addColumns(query, 'image', { sent_prompt: facts.text })
    await createTable(
      query,
      facts,
      'translation',
      (table) =>
        table
          .addColumn('key', facts.varchar(64), (column) => column.primaryKey())
          .addColumn('language', facts.varchar(16), required)
          .addColumn('translated', facts.text, required)
          .addColumn('created_at', 'bigint', required)
          .addColumn('used_at', 'bigint', required),
      [['used_at', 'key']],
    )
  },
})
