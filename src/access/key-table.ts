import type { Kysely, Selectable, Updateable } from 'kysely'
import { isId } from '../base/id.ts'
import type { ApiKeyTable, Schema } from '../db/schema.ts'
import { hashSecret } from './secrets.ts'

/** What its owner may choose about a key; null where nothing is chosen. Times in ms since the epoch. */
export interface KeyChoices {
  name: string
  enabled: boolean
  /** Most pictures in a calendar day. */
  dailyLimit: number | null
  /** Most pictures in a calendar month. */
  monthlyLimit: number | null
  /** Most requests in a minute. */
  rpm: number | null
  /** The models that may be asked for; null for all. */
  models: readonly string[] | null
  expiresAt: number | null
  /** The upstream accounts that may be used; null for all. */
  accountPool: string | null
  /** The form of pictures for requests that name no `response_format`. */
  imagesFormat: 'url' | 'b64_json' | null
  note: string | null
}

/** A stored key, as its owner may see it. */
export interface ApiKey extends KeyChoices {
  id: string
  /** Its beginning and its end. */
  masked: string
  createdAt: number
  updatedAt: number | null
  lastUsedAt: number | null
}

type Query = Kysely<Schema>
type Row = Selectable<ApiKeyTable>

/** A key by its id, or by itself. */
export async function findKey(query: Query, idOrSecret: string): Promise<Row | undefined> {
  const keys = query.selectFrom('api_key').selectAll()
  const found = isId(idOrSecret)
    ? keys.where('id', '=', idOrSecret)
    : keys.where('hash', '=', hashSecret(idOrSecret))
  return found.executeTakeFirst()
}

/** A part of the keys, newest first: those made before the one with the id `before`. */
export async function listKeys(
  query: Query,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<ApiKey[]> {
  const keys = query.selectFrom('api_key').selectAll().orderBy('id', 'desc').limit(limit)
  const rows = await (before === undefined ? keys : keys.where('id', '<', before)).execute()
  return rows.map(toKey)
}

/** A row as a key. */
export const toKey = (row: Row): ApiKey => ({
  id: row.id,
  name: row.name,
  masked: `${row.prefix}…${row.suffix ?? ''}`,
  enabled: row.disabled_at === null,
  dailyLimit: row.daily_limit,
  monthlyLimit: row.monthly_limit,
  rpm: row.rpm,
  models: row.models === null ? null : (JSON.parse(row.models) as string[]),
  expiresAt: row.expires_at,
  accountPool: row.account_pool,
  imagesFormat: row.images_format === 'url' || row.images_format === 'b64_json' ? row.images_format : null,
  note: row.note,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  lastUsedAt: row.last_used_at,
})

/** Choices as columns; what is not among them stays as it is. */
export function toColumns(choices: Partial<KeyChoices>, now: number): Updateable<ApiKeyTable> {
  const { enabled, models } = choices
  const columns: Updateable<ApiKeyTable> = {
    name: choices.name,
    daily_limit: choices.dailyLimit,
    monthly_limit: choices.monthlyLimit,
    rpm: choices.rpm,
    models: models && JSON.stringify(models),
    expires_at: choices.expiresAt,
    account_pool: choices.accountPool,
    images_format: choices.imagesFormat,
    note: choices.note,
    disabled_at: enabled === undefined ? undefined : enabled ? null : now,
  }
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined))
}
