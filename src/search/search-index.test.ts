import { testDatabases } from '../db/testing.ts'
import { describeSearch } from './conformance.ts'
import { createSearchIndex } from './search-index.ts'

for (const engine of testDatabases()) {
  describeSearch(engine.name, async () => {
    const opened = await engine.open()
    return {
      database: opened.database,
      connect: () => createSearchIndex(opened.database),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    }
  })
}
