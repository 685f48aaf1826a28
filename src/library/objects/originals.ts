import type { SpoolDirectory } from '../../bytes/spool.ts'
import type { Storage } from '../../storage/storage.ts'
import type { Accesses } from './accesses.ts'
import { fetchBack, hashOf } from './fetch-back.ts'
import type { Objects } from './objects.ts'

/**
 * The originals as the library sees them: written to the local disk, and read from it, where they come back to from the
 * object storage if they are not there. `stat`, `list`, `free` and `delete` are about the local disk only.
 */
export function createOriginals(
  { local }: Pick<Objects, 'local'>,
  accesses: Accesses,
  source?: { objects: Objects; spools: SpoolDirectory },
): Storage {
  const coming = new Map<string, Promise<boolean>>()

  /** However many ask for it, an object comes once. */
  function bring(key: string): Promise<boolean> {
    if (source === undefined) return Promise.resolve(false)
    const current = coming.get(key)
    if (current) return current
    const started = fetchBack(source.objects, source.spools, key).finally(() => coming.delete(key))
    coming.set(key, started)
    return started
  }

  /** An answer from the local disk, after the file has come back if need be. */
  async function found<Answer>(
    key: string,
    read: () => Promise<Answer | undefined>,
  ): Promise<Answer | undefined> {
    accesses.note(hashOf(key))
    const answer = await read()
    return answer !== undefined || !(await bring(key)) ? answer : read()
  }

  return {
    ...local,
    open: (key, range) => found(key, () => local.open(key, range)),
    read: (key) => found(key, () => local.read(key)),
    localPath: (key) => found(key, () => local.localPath(key)),
  }
}
