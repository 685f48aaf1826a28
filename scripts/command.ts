// What the operator's commands have in common.
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/base/clock.ts'
import { createLog } from '../src/base/log.ts'
import { openSpoolDirectory } from '../src/bytes/spool.ts'
import { type Config, ConfigError, readConfig } from '../src/config.ts'
import { connect, type Database } from '../src/db/connect.ts'
import { indexAllTasks } from '../src/gateway/index-tasks.ts'
import { createKeeping } from '../src/keeping.ts'
import { createSearchIndex } from '../src/search/search-index.ts'
import { openLocalStorage } from '../src/storage/local.ts'

export interface Arguments {
  config: Config
  words: string[]
  flags: Readonly<Record<string, string | boolean | undefined>>
}

type Flags = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>

/** Runs a command: reads its words and flags, and says in one line what is wrong. */
export async function runCommand(
  { usage, words: wanted, flags }: { usage: string; words: [least: number, most: number]; flags: Flags },
  work: (given: Arguments) => Promise<void>,
): Promise<void> {
  try {
    const { positionals: words, values } = readArguments(flags, usage)
    if (words.length < wanted[0] || words.length > wanted[1]) throw new Error(`Usage: ${usage}`)
    const given = values as Arguments['flags']
    await work({ config: readConfig(), words, flags: given })
  } catch (error) {
    console.error(explain(error))
    process.exitCode = 1
  }
}

function readArguments(options: Flags, usage: string) {
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    throw new Error(`${(error as Error).message}\nUsage: ${usage}`)
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const reason =
    error.cause instanceof Error && !(error instanceof ConfigError) ? ` (${error.cause.message})` : ''
  return error.message.includes(reason.slice(2, -1)) ? error.message : `${error.message}${reason}`
}

/** Paths are meant from where the command was typed; npm moves to the project's folder. */
export const pathFrom = (word: string): string => resolve(process.env.INIT_CWD ?? '.', word)

/** Opens what a server keeps, without starting one. */
export async function openKeeping(config: Config) {
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
  const database = await connect(config.databaseUrl)
  const local = await openLocalStorage(join(config.dataDirectory, 'images'))
  const spools = await openSpoolDirectory(join(config.dataDirectory, 'spool'))
  // Pictures that lie only in the object storage are read from there.
  const parts = { database, local, spools, clock: systemClock, log: createLog(config.logLevel) }
  const { originals, objects } = createKeeping(config, parts)
  return {
    database,
    originals,
    spools,
    [Symbol.asyncDispose]: async () => {
      await objects?.remote.close()
      await spools.close()
      await database.close()
    },
  }
}

export const rebuildSearch = (database: Database): Promise<void> =>
  indexAllTasks({ database, search: createSearchIndex(database) }, new AbortController().signal)
