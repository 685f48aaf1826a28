import { sql } from 'kysely'
import type { Gateway } from '../../gateway/gateway.ts'
import { LOW_ROOM } from '../../library/room.ts'

export interface Check {
  ok: boolean
  /** What is wrong, in plain words without addresses or secrets. */
  detail?: string
}

export interface Health {
  healthy: boolean
  checks: Record<string, Check>
}

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

async function checkStorage({ room }: Gateway): Promise<Check> {
  const free = await room.free()
  if (free === undefined || free >= LOW_ROOM) return { ok: true }
  return { ok: false, detail: `only ${Math.floor(free / 1024 / 1024)} MiB are free` }
}
