import type { Migration } from 'kysely/migration'
import type { Facts } from '../facts.ts'
import { createIndex } from './create-index.ts'

/** What is to be purged is found without reading whole tables. */
export const trash = (facts: Facts): Migration => ({
  up: async (query) => {
    await createIndex(query, facts, 'image', ['deleted_at'])
    await createIndex(query, facts, 'blob', ['reference_count'])
  },
})
