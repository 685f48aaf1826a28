// `npm run restore`: puts a backup back. See docs/backup.md.
import { readBackupFolder } from '../src/admin/backup-folder.ts'
import { restore } from '../src/admin/restore.ts'
import { restoreSecretKey } from '../src/base/secret.ts'
import { openKeeping, pathFrom, rebuildSearch, runCommand } from './command.ts'
import { createReport, toSize } from './progress.ts'

const usage = 'npm run restore -- [--force] <folder of the backup>'

await runCommand(
  { usage, words: [1, 1], flags: { force: { type: 'boolean' } } },
  async ({ config, words: [word = ''], flags }) => {
    const folder = await readBackupFolder(pathFrom(word))
    await using keeping = await openKeeping(config)
    const report = createReport()
    const force = flags.force === true
    const { tables, pictures } = await restore({ ...keeping, folder, report, rebuildSearch }, { force })
    report.end()
    const rows = tables.reduce((sum, table) => sum + table.rows, 0)
    console.log(`Done: ${rows} rows, ${pictures.count} pictures (${toSize(pictures.bytes)}).`)
    const key = await folder.secretKey()
    if (key === undefined)
      console.log('The backup has no secret key: put secret.key or SECRET_KEY back yourself.')
    else if (!(await restoreSecretKey(config, key, force))) {
      console.log('Another secret key is here already and was left; --force would take that of the backup.')
    }
  },
)
