import { createHash, randomBytes } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../base/id.ts'
import { openSpoolDirectory } from '../../bytes/spool.ts'
import { Spooled } from '../../bytes/spooled.ts'
import { chunked } from '../../db/chunked.ts'
import { testDatabases } from '../../db/testing.ts'
import { openLocalStorage } from '../../storage/local.ts'
import type { ObjectStorage } from '../../storage/s3.ts'
import { pictureKey } from '../../storage/storage.ts'
import { addImage } from '../add.ts'
import type { Library } from '../library.ts'
import { purgeTrash } from '../purge.ts'
import { openTestLibrary, type TestLibrary } from '../testing.ts'
import { removeAnyImages } from '../trash.ts'
import { createAccesses } from './accesses.ts'
import { evict } from './evict.ts'
import { noFailures, type Objects } from './objects.ts'
import { createOriginals } from './originals.ts'
import { uploadDue } from './uploader.ts'
import { measureUsage } from './usage.ts'

const HOUR = 60 * 60_000
const SIZE = 100
const ROUNDS = 8
const never = new AbortController().signal

/** Objects in a folder: a real storage, quick enough for ten thousand; now and then it refuses. */
async function openFolderStorage(folder: string, refuses: () => boolean): Promise<ObjectStorage> {
  const storage = await openLocalStorage(folder)
  const unless = <T>(work: () => Promise<T>) => (refuses() ? Promise.reject(new Error('refused')) : work())
  return {
    ...storage,
    put: (key, file) => unless(() => storage.put(key, file)),
    delete: (key) => unless(() => storage.delete(key)),
    download: (key) =>
      unless(async () => {
        const opened = await storage.open(key)
        return opened && { bytes: opened.size, body: opened.stream() }
      }),
    signedUrl: async () => '',
    close: async () => {},
  }
}

for (const engine of testDatabases()) {
  describe(engine.name, () => {
    const count = engine.name === 'sqlite' ? 10_000 : 500
    let opened: TestLibrary
    let library: Library
    let objects: Objects
    let folder: string
    let refusing = 0
    const accesses = { note: (_: string) => {}, flush: async () => {} }

    beforeAll(async () => {
      opened = await openTestLibrary(engine)
      folder = await mkdtemp(join(tmpdir(), 'pictor-only-'))
      const { database, originals: local, clock, log } = opened.library
      const remote = await openFolderStorage(join(folder, 'objects'), () => Math.random() < refusing)
      const settings: Objects['settings'] = {
        uploads: 8,
        bytesPerSecond: Number.POSITIVE_INFINITY,
        keepDeleted: false,
        redirect: 'off',
      }
      objects = { database, local, remote, clock, log, settings, failures: noFailures(), wake: () => {} }
      Object.assign(accesses, createAccesses(objects))
      const spools = await openSpoolDirectory(join(folder, 'spool'))
      const originals = createOriginals(objects, accesses, { objects, spools })
      library = Object.assign(opened.library, { originals, objects })
    })
    afterAll(async () => {
      await opened?.[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    })

    const picture = async (): Promise<Spooled> => {
      const bytes = randomBytes(SIZE)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const path = join(folder, 'given', sha256)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes, { mode: 0o600 })
      return new Spooled({ path, sha256, bytes: SIZE, mime: 'image/png', width: 1, height: 1 })
    }

    /** Pictures in a quicker way than one by one: rows and files as `addImage` would leave them. */
    const fill = async (many: number): Promise<{ id: string; picture: Spooled }[]> => {
      const all: { id: string; picture: Spooled }[] = []
      for (let n = 0; n < many; n += 1) all.push({ id: newId(), picture: await picture() })
      const now = library.clock.now()
      for (const some of chunked(all, 200)) {
        for (const { picture } of some) {
          const path = join(opened.folder, 'images', pictureKey(picture.sha256, 'image/png'))
          await mkdir(dirname(path), { recursive: true })
          await copyFile(picture.path, path)
        }
        const blob = ({ picture: { sha256 } }: { picture: Spooled }) => ({
          ...{
            sha256,
            bytes: SIZE,
            mime: 'image/png',
            width: 1,
            height: 1,
            reference_count: 1,
            thumbhash: null,
          },
          ...{ phash: null, derived_at: now, derive_error: null, created_at: now },
          ...{ remote_state: 'pending' as const, remote_attempts: 0, remote_at: now, local_at: now },
        })
        await library.database.query.insertInto('blob').values(some.map(blob)).execute()
        const image = ({ id, picture: { sha256 } }: { id: string; picture: Spooled }) => ({
          ...{
            id,
            sha256,
            task_id: newId(),
            position: 0,
            owner: 'o',
            provider: 'p',
            model: 'm',
            prompt: 'a fox',
          },
          ...{ upstream_model: 'm', revised_prompt: null, seed: null, width: 1, height: 1, bytes: SIZE },
          ...{ mime: 'image/png', signature: null, details: null, parent_id: null, parent_kind: null },
          ...{ created_at: now, deleted_at: null },
        })
        await library.database.query.insertInto('image').values(some.map(image)).execute()
      }
      return all
    }

    const add = async (given: Spooled) => {
      const facts = {
        taskId: newId(),
        position: 0,
        owner: 'o',
        provider: 'p',
        model: 'm',
        upstreamModel: 'm',
      }
      const more = {
        prompt: 'a fox',
        sentPrompt: undefined,
        revisedPrompt: undefined,
        seed: undefined,
        signature: undefined,
        details: {},
      }
      const { id } = await addImage(library, { ...facts, ...more, picture: given })
      return { id, picture: given }
    }

    const remove = (ids: readonly string[]) =>
      library.database.query.transaction().execute((query) => removeAnyImages(library, query, ids))

    const hashesIn = async (storage: { list(): AsyncIterable<{ key: string; bytes: number }> }) => {
      const hashes = new Set<string>()
      for await (const { key, bytes } of storage.list()) if (bytes === SIZE) hashes.add(key.slice(6, 70))
      return hashes
    }

    /** Every picture that somebody holds is somewhere, and where the rows say. */
    const check = async () => {
      const [local, remote] = [await hashesIn(objects.local), await hashesIn(objects.remote)]
      const held = await library.database.query
        .selectFrom('blob')
        .select(['sha256', 'remote_state', 'local_at'])
        .where('reference_count', '>', 0)
        .execute()
      const lost = held.filter(({ sha256 }) => !local.has(sha256) && !remote.has(sha256))
      const claimed = held.filter((row) => row.remote_state === 'uploaded' && !remote.has(row.sha256))
      const unsaved = held.filter((row) => row.remote_state !== 'uploaded' && !local.has(row.sha256))
      const untrue = held.filter((row) => row.local_at !== null && !local.has(row.sha256))
      expect({ lost, claimed, unsaved, untrue }).toEqual({ lost: [], claimed: [], unsaved: [], untrue: [] })
      return held.length
    }

    test(`no only copy is lost of ${count} pictures, whatever happens at once`, {
      timeout: 180_000,
    }, async () => {
      let live = await fill(count)
      const gone: { id: string; picture: Spooled }[] = []
      for (let round = 0; round < ROUNDS; round += 1) {
        refusing = round % 3 === 0 ? 0.02 : 0
        const dropped = live.splice(0, count / 50)
        const again = gone.splice(0, count / 100)
        const look = Array.from({ length: 20 }, () => live[Math.floor(Math.random() * live.length)])
        const work = [
          uploadDue({ ...objects, log: library.log }, AbortSignal.timeout(4_000)),
          evict(library, { lifetime: 6 * HOUR }, never),
          evict(library, { bytes: (count * SIZE) / 2 }, never),
          remove(dropped.map(({ id }) => id)).then(() =>
            purgeTrash(library, { before: library.clock.now(), signal: never }),
          ),
          ...again.map(async ({ picture }) => live.push(await add(picture))),
          ...look.map(
            (one) =>
              one && library.originals.read(pictureKey(one.picture.sha256, 'image/png')).catch(() => {}),
          ),
        ]
        await Promise.all(work)
        gone.push(...dropped)
        await accesses.flush()
        opened.pass(2 * HOUR)
        expect(await check()).toBeGreaterThan(count / 2)
      }
      refusing = 0
      await uploadDue(objects, never)
      const { localBytes, remote, failed, pending } = await measureUsage(library.database)
      expect({ failed, pending }).toEqual({ failed: 0, pending: 0 })
      expect(remote).toBe(await check())
      expect(localBytes).toBeGreaterThan(0)
      live = []
    })

    test('above the limit the copies go that were unused for longest, down to 90 %', async () => {
      await evict(library, { lifetime: 0 }, never)
      const ages: string[] = []
      for (let n = 0; n < 20; n += 1) {
        const { picture: given } = await add(await picture())
        ages.push(given.sha256)
        opened.pass(60_000)
      }
      await uploadDue(objects, never)
      await library.originals.read(pictureKey(ages[0] ?? '', 'image/png'))
      await accesses.flush()
      opened.pass(HOUR)
      const { files } = await evict(library, { bytes: 15 * SIZE }, never)
      expect(files).toBe(7)
      const local = await hashesIn(objects.local)
      expect(ages.filter((hash) => local.has(hash))).toEqual([ages[0], ...ages.slice(8)])
      expect((await evict(library, { bytes: 15 * SIZE }, never)).files).toBe(0)
    })
  })
}
