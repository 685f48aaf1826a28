import type { KeyReply, KeyRequest } from '../../../contract/keys.ts'
import type { ApiKey, KeyChoices } from '../../access/key-table.ts'
import type { Used } from '../../access/quota.ts'
import { AppError } from '../../base/error.ts'

/** A request as choices about a key; what it does not name is absent. */
export function toChoices(body: KeyRequest): Partial<KeyChoices> {
  const choices: { [Name in keyof KeyChoices]?: KeyChoices[Name] | undefined } = {
    name: body.name,
    enabled: body.enabled ?? undefined,
    dailyLimit: body.daily_limit,
    monthlyLimit: body.monthly_limit,
    rpm: body.rpm,
    models: body.models && [...new Set(body.models)],
    expiresAt: typeof body.expires_at === 'string' ? parseTime(body.expires_at) : body.expires_at,
    accountPool: body.account_pool,
    imagesFormat: body.images_format,
    note: body.note,
  }
  return Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined))
}

/** A key as an admin sees it. */
export const toKeyReply = (key: ApiKey, used: Used | undefined): KeyReply => ({
  id: key.id,
  key: key.masked,
  name: key.name,
  enabled: key.enabled,
  daily_limit: key.dailyLimit,
  monthly_limit: key.monthlyLimit,
  rpm: key.rpm,
  models: key.models === null ? null : [...key.models],
  expires_at: key.expiresAt,
  account_pool: key.accountPool,
  images_format: key.imagesFormat,
  note: key.note,
  created_at: key.createdAt,
  updated_at: key.updatedAt,
  last_used_at: key.lastUsedAt,
  used_today: used?.today ?? 0,
  used_this_month: used?.month ?? 0,
})

function parseTime(text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) {
    const detail = 'expected ms since the epoch, or a date as in 2027-01-31T00:00:00Z.'
    throw new AppError('invalid_value', { param: 'expires_at', values: { detail } })
  }
  return time
}
