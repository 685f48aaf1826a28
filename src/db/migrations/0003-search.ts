import type { Migration } from 'kysely/migration'
import type { Facts } from '../facts.ts'

/** Full-text search over the prompts of tasks. */
export const search = (facts: Facts): Migration => ({
  up: async (query) => {
    for (const statement of facts.createSearchTables('search_task')) await statement.execute(query)
  },
})
