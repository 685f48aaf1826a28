import { expect } from 'vitest'
import { json, type TestPictor } from '../pictor.ts'

export const ACCOUNT = { username: 'admin', password: 'correct horse battery' }

/** What a browser on a page of ours sends along. */
export const SAME_SITE = { 'sec-fetch-site': 'same-origin' }

/** Headers of a browser in which the admin account was just made. */
export async function signIn(pictor: TestPictor): Promise<Record<string, string>> {
  const setup = await pictor.app.parts.access.setupTokens.issue()
  const reply = await fetch(`${pictor.url}/api/v1/admin/setup`, json({ ...ACCOUNT, setup }))
  expect(reply.status).toBe(200)
  return { cookie: cookieOf(reply), ...SAME_SITE }
}

/** The session that a reply gives, as a request brings it. */
export const cookieOf = (reply: Response): string =>
  /pictor_session=[^;]*/.exec(reply.headers.get('set-cookie') ?? '')?.[0] ?? ''
