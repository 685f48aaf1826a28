import { expect, test } from 'vitest'
import { testDatabases } from '../db/testing.ts'
import { createSearchIndex } from '../search/search-index.ts'
import { migrateTo } from './migrate-to.ts'
import { allRows, openFullLibrary, openTarget, rebuildSearch } from './testing.ts'

const engines = testDatabases()
const named = (name: string) => engines.find((engine) => engine.name === name) ?? engines[0]
const report = () => {}

test('once around all databases, and every row is the same', async () => {
  const [sqlite, postgres, mysql] = ['sqlite', 'postgres', 'mysql'].map(named)
  if (!sqlite || !postgres || !mysql) throw new Error('there is no database to test on')
  await using full = await openFullLibrary(sqlite)
  await full.draw('a fox 🦊 in the snow')
  await full.draw('狐狸 \\ \' " %')
  await using second = await openTarget(postgres)
  await using third = await openTarget(mysql)
  await using last = await openTarget(sqlite)
  const original = await allRows(full.library.database)
  let from = full.library.database
  for (const { database: to } of [second, third, last]) {
    const moved = await migrateTo({ from, to, report, rebuildSearch })
    expect(moved.find(({ name }) => name === 'image')?.rows).toBe(2)
    expect(await allRows(to)).toEqual(original)
    const search = createSearchIndex(to)
    expect((await search.relevant(to.query, { text: 'fox', limit: 9, offset: 0 })).total).toBe(1)
    from = to
  }
})

for (const engine of engines) {
  test(`${engine.name}: a database that is not empty is refused, one that was half filled is filled again`, async () => {
    await using full = await openFullLibrary(engine)
    await full.draw('a fox')
    await using empty = await openTarget(engine)
    const parts = { from: full.library.database, to: empty.database, report, rebuildSearch }
    const cut = () => {
      throw new Error('cut')
    }
    await expect(migrateTo({ ...parts, report: cut })).rejects.toThrow('cut')
    await migrateTo(parts)
    const moved = await allRows(empty.database)
    expect(moved).toEqual(await allRows(full.library.database))
    await expect(migrateTo(parts)).rejects.toThrow('the database is not empty')
    expect(await allRows(empty.database)).toEqual(moved)
  })
}

test('a row that the other database cannot take is named, whatever it holds', async () => {
  const [sqlite, postgres] = ['sqlite', 'postgres'].map(named)
  if (!sqlite || !postgres || sqlite === postgres) return
  await using full = await openFullLibrary(sqlite)
  // SQLite does not look at the length of a text.
  const row = { name: 'x'.repeat(65), value: 'secret' }
  await full.library.database.query.insertInto('setting').values(row).execute()
  await using empty = await openTarget(postgres)
  const moving = migrateTo({ from: full.library.database, to: empty.database, report, rebuildSearch })
  await expect(moving).rejects.toThrow(/table setting does not take the 1 rows from name "xxx/)
})
