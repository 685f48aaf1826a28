import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Facts } from './facts.ts'
import { foundation } from './migrations/0001-foundation.ts'
import { batches } from './migrations/0002-batches.ts'
import { search } from './migrations/0003-search.ts'
import { keys } from './migrations/0004-keys.ts'
import { accounts } from './migrations/0005-accounts.ts'
import { translations } from './migrations/0006-translations.ts'
import { admin } from './migrations/0007-admin.ts'
import { objects } from './migrations/0008-objects.ts'
import type { Schema } from './schema.ts'

/**
 * Runs the migrations that are still to be run. Kysely's Migrator holds a lock of the server meanwhile (on SQLite the
 * transaction is the lock), so processes that start together take turns.
 */
export async function migrate(query: Kysely<Schema>, facts: Facts): Promise<void> {
  const { error } = await migrator(query, facts).migrateToLatest()
  if (error !== undefined) throw error
}

/** Brings an empty database to where another one is, so that it can take its rows. @throws for a migration that there is not */
export async function migrateUntil({ query, facts }: Migrated, name: string): Promise<void> {
  const { error } = await migrator(query, facts).migrateTo(name)
  if (error !== undefined) throw error
}

/** The last migration that a database has had; undefined where it has had none. */
export async function lastMigration({ query, facts }: Migrated): Promise<string | undefined> {
  const all = await migrator(query, facts).getMigrations()
  return all.findLast(({ executedAt }) => executedAt !== undefined)?.name
}

/** Whether this version has a migration of that name. */
export const knowsMigration = ({ facts }: Pick<Migrated, 'facts'>, name: string): boolean =>
  Object.hasOwn(migrations(facts), name)

interface Migrated {
  query: Kysely<Schema>
  facts: Facts
}

const migrator = (query: Kysely<Schema>, facts: Facts): Migrator =>
  new Migrator({ db: query, provider: { getMigrations: async () => migrations(facts) } })

/** In the order of their names. One that has been released never changes. */
const migrations = (facts: Facts): Record<string, Migration> => ({
  '0001-foundation': foundation(facts),
  '0002-batches': batches(facts),
  '0003-search': search(facts),
  '0004-keys': keys(facts),
  '0005-accounts': accounts(facts),
  '0006-translations': translations(facts),
  '0007-admin': admin(facts),
  '0008-objects': objects(facts),
})
