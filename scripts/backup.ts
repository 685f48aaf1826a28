// `npm run backup`: a copy of everything, while the server runs. See docs/backup.md.
import { join } from 'node:path'
import { backUp } from '../src/admin/backup.ts'
import { openBackupFolder } from '../src/admin/backup-folder.ts'
import { systemClock } from '../src/base/clock.ts'
import { openKeeping, pathFrom, runCommand } from './command.ts'
import { createReport, toSize } from './progress.ts'

const usage = 'npm run backup -- [--with-secret-key] [folder]'
const flags = { 'with-secret-key': { type: 'boolean' } } as const

await runCommand({ usage, words: [0, 1], flags }, async ({ config, words: [word], flags }) => {
  const name = `pictor-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}`
  const folder = await openBackupFolder(
    word === undefined ? join(config.dataDirectory, 'backups', name) : pathFrom(word),
  )
  console.log(`Backing up into ${folder.path}`)
  await using keeping = await openKeeping(config)
  const report = createReport()
  const { tables, pictures, missing } = await backUp({ ...keeping, folder, clock: systemClock, report })
  report.end()
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  console.log(`Done: ${rows} rows, ${pictures.count} pictures (${toSize(pictures.bytes)}).`)
  if (missing.length > 0) {
    console.log(`${missing.length} pictures have no file any more; they are named in manifest.json.`)
  }
  if (!flags['with-secret-key'] && (await folder.secretKey())) {
    console.log('The secret key is in this folder from an earlier backup.')
  } else if (!flags['with-secret-key']) {
    console.log(
      'The secret key is not in it: stored upstream keys can only be read with it. Keep it elsewhere, or',
    )
    console.log('give --with-secret-key.')
  } else if (config.secretKey === undefined) {
    await folder.putSecretKey(join(config.dataDirectory, 'secret.key'))
    console.log('The secret key is in it: whoever has this backup can read the stored upstream keys.')
  } else console.log('The secret key comes from SECRET_KEY, so it is not in it: keep that setting.')
})
