import type { NewKey } from '../../src/access/keys.ts'
import { readUsed } from '../../src/access/quota.ts'
import { dayIn } from '../../src/base/day.ts'
import { sdk, type TestPictor } from '../pictor.ts'

/** The same Pictor, asked with another key. */
export async function withKey<Pictor extends TestPictor>(
  pictor: Pictor,
  choices: Omit<NewKey, 'name'> = {},
): Promise<Pictor & { id: string }> {
  const { id, secret: key } = await pictor.app.parts.keys.create({ name: 'limited', ...choices })
  return {
    ...pictor,
    id,
    key,
    openai: sdk(pictor.url, key),
    fetch: (path, init = {}) =>
      fetch(`${pictor.url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${key}`, ...init.headers },
      }),
  }
}

/** Pictures that the key has used of today and of this month, in the time zone of the server. */
export async function usedBy({ app, id }: TestPictor & { id: string }): Promise<[number, number]> {
  const { database, clock, settings } = app.parts.gateway
  const used = await readUsed(database.query, [id], dayIn(settings.timeZone, clock.now()))
  const { today = 0, month = 0 } = used.get(id) ?? {}
  return [today, month]
}

/** What was used by a key, in one line for each model. */
export async function usageOf({ app, id }: TestPictor & { id: string }) {
  const { database, usage } = app.parts.gateway
  await usage.flush()
  return database.query
    .selectFrom('usage_day')
    .selectAll()
    .where('owner', '=', id)
    .orderBy('model')
    .orderBy('provider')
    .execute()
}
