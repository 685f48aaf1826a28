import { newId } from '../../base/id.ts'
import type { AccountTable } from '../../db/schema.ts'
import { mask } from './mask.ts'

export interface Beginning {
  provider: string
  source: AccountTable['source']
  fingerprint: string
  secret: string
  /** ms since the epoch. */
  now: number
}

/** A row for an account that was never used. The secret itself is not in it. */
export const newRow = ({ provider, source, fingerprint, secret, now }: Beginning): AccountTable => ({
  id: newId(),
  provider,
  pool: null,
  source,
  fingerprint,
  sealed: null,
  masked: mask(secret),
  weight: 1,
  priority: 0,
  daily_limit: null,
  state: 'ready',
  used_day: '',
  used_today: 0,
  used_total: 0,
  failures: 0,
  last_error: null,
  last_used_at: null,
  created_at: now,
})
