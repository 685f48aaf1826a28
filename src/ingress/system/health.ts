import { sql } from 'kysely'
import type { Gateway } from '../../gateway/gateway.ts'

export interface Check {
  ok: boolean
  /** What is wrong, in plain words without addresses or secrets. */
  detail?: string
}

export interface Health {
  healthy: boolean
  checks: Record<string, Check>
}

/** Below this many free bytes a picture may not fit any more. */
const LEAST_FREE = 64 * 1024 * 1024

/** Whether a request could be served now: the database answers and the disk takes pictures. */
export async function readHealth(gateway: Gateway): Promise<Health> {
  const checks = { database: await checkDatabase(gateway), storage: await checkStorage(gateway) }
  return { healthy: Object.values(checks).every((check) => check.ok), checks }
}

async function checkDatabase({ database }: Gateway): Promise<Check> {
  return sql`select 1`.execute(database.query).then(
    () => ({ ok: true }),
    () => ({ ok: false, detail: 'it does not answer' }),
  )
}

async function checkStorage({ library }: Gateway): Promise<Check> {
  const free = await library.originals.free().catch(() => 0)
  if (free === undefined || free >= LEAST_FREE) return { ok: true }
  return { ok: false, detail: `only ${Math.floor(free / 1024 / 1024)} MiB are free` }
}
