// `npm run import`: takes over what another product keeps. See docs/import.md.
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import { hashSecret } from '../src/access/secrets.ts'
import { importKeys } from '../src/admin/import/api-keys.ts'
import { type ForeignImages, readGallery } from '../src/admin/import/gallery.ts'
import { openPicGate } from '../src/admin/import/picgate.ts'
import { importTokens } from '../src/admin/import/tokens.ts'
import { createLog } from '../src/base/log.ts'
import type { Config } from '../src/config.ts'
import type { Database } from '../src/db/connect.ts'
import { importImages } from '../src/gateway/import-images.ts'
import { createParts } from '../src/parts.ts'
import { type Arguments, pathFrom, runCommand } from './command.ts'
import { createReport } from './progress.ts'

const usage = `npm run import -- gallery <folder>
       npm run import -- picgate <database file> <folder>
       npm run import -- keys <api_keys.json>
       npm run import -- tokens <key.txt>
       Pictures take --owner <id of a key>`

/** So many names are shown of what could not be taken. */
const SHOWN = 20

const KINDS: Record<string, (given: Arguments) => Promise<void>> = {
  gallery: async (given) => {
    const path = pathFrom(given.words[1] ?? '')
    const isFolder = (await stat(path)).isDirectory()
    const images = await readGallery(isFolder ? join(path, 'image_metadata.json') : path)
    const other = given.words[2]
    await pictures(given, 'gallery', images, other ? pathFrom(other) : isFolder ? path : dirname(path))
  },
  picgate: async (given) => {
    const [, file = '', folder] = given.words
    using database = openPicGate(pathFrom(file))
    await pictures(given, 'picgate', database, folder ? pathFrom(folder) : dirname(pathFrom(file)))
  },
  keys: async ({ config, words: [, file = ''] }) => {
    const parts = await open(config)
    try {
      const { database, clock } = parts.gateway
      const result = await importKeys({ database, clock, hash: hashSecret }, pathFrom(file))
      console.log(
        `${result.added} keys added, ${result.present} were here, ${result.unreadable} could not be read.`,
      )
      if (result.short.length > 0) console.log(`Short enough to be guessed: ${result.short.join(', ')}`)
      if (result.dropped.length > 0) console.log(`Not kept: ${result.dropped.join(', ')}`)
    } finally {
      await parts.close()
    }
  },
  tokens: async ({ config, words: [, file = ''] }) => {
    const path = pathFrom(file)
    const { tokens, copied } = await importTokens(path, config.ssoFile)
    if (copied) console.log(`${tokens} tokens copied to ${config.ssoFile}. Start Pictor again to use them.`)
    else
      console.log(`${config.ssoFile} is there already and was left. Set SSO_FILE=${path} to use that file.`)
  },
}

await runCommand({ usage, words: [2, 3], flags: { owner: { type: 'string' } } }, async (given) => {
  const kind = KINDS[given.words[0] ?? '']
  if (kind === undefined) throw new Error(`Usage: ${usage}`)
  await kind(given)
})

function open(config: Config) {
  return createParts(config, createLog('error'), packageJson.version)
}

async function pictures(
  { config, flags }: Arguments,
  source: string,
  { images, unreadable }: ForeignImages,
  folder: string,
): Promise<void> {
  const parts = await open(config)
  try {
    const owner = await ownerOf(config, parts.gateway.database, flags.owner)
    const report = createReport()
    console.log(`Pictures from ${folder} will belong to ${owner}`)
    const { added, present, missing, broken } = await importImages(parts.gateway, {
      source,
      folder,
      owner,
      images,
      report,
    })
    report.end()
    console.log(
      `${added} added, ${present} were here, ${missing.length} files missing, ${broken.length} broken.`,
    )
    if (unreadable() > 0) console.log(`${unreadable()} records name no file.`)
    show('Missing', missing)
    show(
      'Broken',
      broken.map(({ file, reason }) => `${file}: ${reason}`),
    )
  } finally {
    await parts.close()
  }
}

/** The named key, or whoever needs no key where authentication is off, or the oldest key. */
async function ownerOf(config: Config, { query }: Database, named: unknown): Promise<string> {
  if (typeof named === 'string') {
    if (named === 'anyone' || named === 'environment') return named
    const known = await query.selectFrom('api_key').select('id').where('id', '=', named).execute()
    if (known.length === 0) throw new Error(`There is no API key with the id ${named}.`)
    return named
  }
  if (config.authentication === 'off') return 'anyone'
  const [key] = await query.selectFrom('api_key').select('id').orderBy('id').limit(1).execute()
  if (key) return key.id
  if (config.apiKey !== undefined) return 'environment'
  throw new Error('There is no API key yet. Start Pictor once, or name an owner with --owner.')
}

function show(title: string, lines: readonly string[]): void {
  for (const line of lines.slice(0, SHOWN)) console.log(`  ${title}: ${line}`)
  if (lines.length > SHOWN) console.log(`  ${title}: ${lines.length - SHOWN} more`)
}
