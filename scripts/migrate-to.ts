// `npm run migrate:to`: moves all rows into another database. See docs/backup.md.
import { migrateTo } from '../src/admin/migrate-to.ts'
import { connect } from '../src/db/connect.ts'
import { rebuildSearch, runCommand } from './command.ts'
import { createReport } from './progress.ts'

const usage = 'npm run migrate:to -- <database url>'

await runCommand({ usage, words: [1, 1], flags: {} }, async ({ config, words: [url = ''] }) => {
  const from = await connect(config.databaseUrl)
  const to = await connect(url)
  const report = createReport()
  try {
    const moved = await migrateTo({ from, to, report, rebuildSearch })
    report.end()
    for (const { name, rows, checksum } of moved)
      console.log(`  ${name}: ${rows} rows, ${checksum.slice(0, 16)}`)
    console.log(
      'Both databases have the same rows. Now set DATABASE_URL to the new one and start Pictor again.',
    )
  } finally {
    await from.close()
    await to.close()
  }
})
