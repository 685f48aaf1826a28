import { randomBytes } from 'node:crypto'
import type { SpoolDirectory } from '../../bytes/spool.ts'
import { reasonOf } from '../../storage/s3-client.ts'
import type { Objects } from './objects.ts'

/**
 * Writes a small object, reads it, and removes it again.
 *
 * @returns undefined when all of it works, else what does not and why, in plain words without secrets
 */
export async function checkStorage(objects: Objects, spools: SpoolDirectory): Promise<string | undefined> {
  const { remote } = objects
  const key = `check/${randomBytes(8).toString('hex')}`
  const content = randomBytes(1024)
  await using spool = spools.scope()
  const file = await spool.receive(once(content))
  let step = 'write'
  try {
    await remote.put(key, file)
    step = 'read'
    if (!(await remote.read(key))?.equals(content)) return 'read: other bytes came back than were written'
    step = 'delete'
    await remote.delete(key)
    return undefined
  } catch (error) {
    if (step === 'read') await remote.delete(key).catch(() => {})
    return `${step}: ${reasonOf(error)}`
  }
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content
}
