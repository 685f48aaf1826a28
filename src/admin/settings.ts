import { Value } from 'typebox/value'
import { type SettingName, Settings, SettingsChange } from '../../contract/settings.ts'
import { AppError } from '../base/error.ts'
import type { Logger } from '../base/log.ts'
import type { Database } from '../db/connect.ts'
import { upsert } from '../db/upsert.ts'

/**
 * The settings that can be changed while the server runs. They are rows of the database; what the environment sets wins over
 * them, and what neither sets has its default.
 */
export interface SettingsStore {
  /** What holds now. */
  current(): Settings
  /** Which ones the environment sets, with the name of the variable. */
  locked(): LockedBy
  /** Checks, keeps and applies some. @throws {AppError} `setting_locked`, and what `check` throws */
  change(change: SettingsChange): Promise<void>
  /** Applies what another process has changed. */
  reload(): Promise<void>
}

export type LockedBy = Readonly<Partial<Record<SettingName, string>>>

/** A value that the environment sets, and the variable that says so. */
export type FromEnvironment = {
  readonly [Name in SettingName]?: { value: Settings[Name]; variable: string }
}

export interface SettingsOptions {
  database: Database
  log: Logger
  environment: FromEnvironment
  /** Puts settings into effect; called with the first ones too, and whenever they may have changed. */
  apply(settings: Settings): void
  /** Throws for a value that cannot hold here, though its form is right. */
  check(change: SettingsChange): void
}

const DEFAULTS: Settings = { mode: 'auto', provider_order: [] }

/** In front of the names in the table, where other things are kept too. */
const PREFIX = 'settings.'

const NAMES = Object.keys(Settings.properties) as SettingName[]

/** Reads the settings and puts them into effect. */
export async function openSettings(options: SettingsOptions): Promise<SettingsStore> {
  const { database, environment, apply, check } = options
  const { query } = database
  const given = Object.entries(environment)
  const forced: SettingsChange = Object.fromEntries(given.map(([name, { value }]) => [name, value]))
  const locked: LockedBy = Object.fromEntries(given.map(([name, { variable }]) => [name, variable]))
  let current: Settings = DEFAULTS

  const reload = async () => {
    current = { ...DEFAULTS, ...(await readStored(options)), ...forced }
    apply(current)
  }
  await reload()

  return {
    current: () => current,
    locked: () => locked,
    reload,
    change: async (change) => {
      const names = NAMES.filter((name) => change[name] !== undefined)
      for (const name of names) {
        const variable = locked[name]
        if (variable !== undefined)
          throw new AppError('setting_locked', { param: name, values: { detail: variable } })
      }
      check(change)
      await query.transaction().execute(async (query) => {
        for (const name of names) {
          const row = { name: `${PREFIX}${name}`, value: JSON.stringify(change[name]) }
          await upsert(database, query, 'setting', row, ['name'])
        }
      })
      await reload()
    },
  }
}

/** What is kept; a value that no version of ours would write any more counts as not set. */
async function readStored({ database, log }: SettingsOptions): Promise<SettingsChange> {
  const rows = await database.query
    .selectFrom('setting')
    .selectAll()
    .where(
      'name',
      'in',
      NAMES.map((name) => `${PREFIX}${name}`),
    )
    .execute()
  const stored: SettingsChange = {}
  for (const { name, value } of rows) {
    const one: unknown = { [name.slice(PREFIX.length)]: parse(value) }
    if (isChange(one)) Object.assign(stored, one)
    else log.warn({ setting: name }, 'a kept setting cannot be used, so its default holds')
  }
  return stored
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isChange = (value: unknown): value is SettingsChange =>
  Value.Check(SettingsChange, value) && Object.values(value).every((one) => one !== undefined)
