import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Fault } from '../../../test/upstreams/s3-proxy.ts'
import { sha256 } from '../../bytes/testing.ts'
import { testDatabases } from '../../db/testing.ts'
import { pictureKey } from '../../storage/storage.ts'
import { imageFile } from '../deliver.ts'
import { purgeTrash } from '../purge.ts'
import { drawUnique } from '../testing.ts'
import { removeAnyImages } from '../trash.ts'
import { evict } from './evict.ts'
import { openTestObjects, type TestObjects } from './testing.ts'
import { claimUploads, recoverUploads, retryUploads, upload } from './upload.ts'
import { measureUsage } from './usage.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const never = new AbortController().signal

for (const engine of testDatabases()) {
  describe(engine.name, () => {
    let opened: TestObjects
    beforeAll(async () => {
      opened = await openTestObjects(engine)
    })
    afterAll(() => opened?.[Symbol.asyncDispose]())
    beforeEach(async () => {
      opened.proxy.fault = { name: 'none' }
      await opened.upload()
    })

    const keyOf = (bytes: Buffer) => pictureKey(sha256(bytes), 'image/png')
    const isLocal = async (bytes: Buffer) => (await opened.objects.local.stat(keyOf(bytes))) !== undefined
    const isRemote = async (bytes: Buffer) => (await opened.objects.remote.stat(keyOf(bytes))) !== undefined
    const evictAll = () => evict(opened.library, { lifetime: 0 }, never)
    const row = (bytes: Buffer) => opened.row(sha256(bytes))
    const read = (bytes: Buffer) => opened.library.originals.read(keyOf(bytes))
    const remove = (id: string) =>
      opened.library.database.query
        .transaction()
        .execute((query) => removeAnyImages(opened.library, query, [id]))
    const purge = () => purgeTrash(opened.library, { before: opened.library.clock.now(), signal: never })

    test('a new picture is uploaded; then its local copy may go, and comes back when it is read', async () => {
      const bytes = await drawUnique()
      const image = await opened.add(bytes)
      expect(await row(bytes)).toMatchObject({ remote_state: 'pending' })
      await evictAll()
      expect(await isLocal(bytes)).toBe(true)
      expect(await opened.upload()).toEqual({ uploaded: 1, failed: 0 })
      expect(await row(bytes)).toMatchObject({ remote_state: 'uploaded', remote_at: null })
      await evictAll()
      expect({ local: await isLocal(bytes), row: await row(bytes) }).toMatchObject({
        local: false,
        row: { local_at: null, remote_state: 'uploaded' },
      })
      const { path } = await imageFile(opened.library, image)
      expect(path).toContain(sha256(bytes))
      expect(await read(bytes)).toEqual(bytes)
      expect((await row(bytes))?.local_at).not.toBeNull()
    })

    test('however many read at once, an object comes once, and parts of it can be read', async () => {
      const bytes = await drawUnique()
      await opened.add(bytes)
      await opened.upload()
      await evictAll()
      opened.proxy.seen = []
      const ranges = Array.from({ length: 20 }, (_, start) => ({ start, end: start + 9 }))
      const files = await Promise.all(
        ranges.map((range) => opened.library.originals.open(keyOf(bytes), range)),
      )
      expect(opened.proxy.seen.filter((request) => request.startsWith('GET'))).toHaveLength(1)
      for (const [index, file] of files.entries()) {
        const part = Buffer.concat(await Array.fromAsync(file?.stream() ?? []))
        expect(part).toEqual(bytes.subarray(index, index + 10))
      }
    })

    const failing: [string, Fault, string][] = [
      ['broken', { name: 'status', status: 500, code: 'InternalError' }, '500 InternalError'],
      ['busy', { name: 'status', status: 503, code: 'SlowDown' }, '503 SlowDown'],
      ['not allowed', { name: 'status', status: 403, code: 'AccessDenied' }, '403 AccessDenied'],
      ['down', { name: 'down' }, 'ECONNRESET'],
    ]
    test.each(failing)(
      'a storage that is %s: the reason is kept, the wait grows, and at last it works',
      async (_, fault, reason) => {
        const bytes = await drawUnique()
        await opened.add(bytes)
        opened.proxy.fault = fault
        const waits: number[] = []
        for (let attempt = 0; attempt < 2; attempt += 1) {
          const [claimed] = await claimUploads(opened.objects, 10)
          if (claimed === undefined) break
          expect(await upload(opened.objects, claimed, never)).toBe(false)
          const { remote_state, remote_error, remote_at } = (await row(bytes)) ?? {}
          expect({ remote_state, remote_error }).toEqual({
            remote_state: 'failed',
            remote_error: expect.stringContaining(reason),
          })
          const wait = (remote_at ?? 0) - opened.library.clock.now()
          expect(await claimUploads(opened.objects, 10)).toEqual([])
          waits.push(wait)
          opened.pass(wait)
        }
        expect(waits).toEqual([5_000, 10_000])
        expect((await measureUsage(opened.library.database)).failed).toBe(1)
        opened.proxy.fault = { name: 'none' }
        expect(await opened.upload()).toEqual({ uploaded: 1, failed: 0 })
      },
    )

    test('failed ones can be tried at once', async () => {
      await opened.add(await drawUnique())
      opened.proxy.fault = { name: 'status', status: 403, code: 'AccessDenied' }
      for (const blob of await claimUploads(opened.objects, 10)) await upload(opened.objects, blob, never)
      opened.proxy.fault = { name: 'none' }
      expect(await opened.upload()).toEqual({ uploaded: 0, failed: 0 })
      expect(await retryUploads(opened.objects)).toBe(1)
      expect(await opened.upload()).toEqual({ uploaded: 1, failed: 0 })
    })

    test('what a process held that died is uploaded later, and at once where it was alone', async () => {
      const bytes = await drawUnique()
      await opened.add(bytes)
      expect(await claimUploads(opened.objects, 10)).toHaveLength(1)
      expect(await opened.upload()).toEqual({ uploaded: 0, failed: 0 })
      opened.pass(16 * MINUTE)
      expect(await claimUploads(opened.objects, 10)).toHaveLength(1)
      await recoverUploads(opened.objects)
      expect(await opened.upload()).toEqual({ uploaded: 1, failed: 0 })
    })

    test('several uploaders share the work', async () => {
      const pictures = await Promise.all(Array.from({ length: 12 }, drawUnique))
      for (const bytes of pictures) await opened.add(bytes)
      opened.proxy.seen = []
      const results = await Promise.all([opened.upload(), opened.upload(), opened.upload()])
      expect(results.reduce((sum, { uploaded }) => sum + uploaded, 0)).toBe(12)
      expect(opened.proxy.seen.filter((request) => request.startsWith('PUT'))).toHaveLength(12)
    })

    test('an uploader that is stopped gives back what it has', async () => {
      const bytes = await drawUnique()
      await opened.add(bytes)
      const stopping = new AbortController()
      const [claimed] = await claimUploads(opened.objects, 10)
      stopping.abort()
      opened.proxy.fault = { name: 'down' }
      if (claimed) await upload(opened.objects, claimed, stopping.signal)
      expect(await row(bytes)).toMatchObject({ remote_state: 'pending', remote_error: null })
    })

    test('a storage that is down is 503 for a picture that is only there, and nothing is given up', async () => {
      const bytes = await drawUnique()
      await opened.add(bytes)
      await opened.upload()
      await evictAll()
      opened.proxy.fault = { name: 'status', status: 503, code: 'SlowDown' }
      await expect(read(bytes)).rejects.toMatchObject({ code: 'object_unavailable' })
      opened.proxy.fault = { name: 'cut' }
      await expect(read(bytes)).rejects.toMatchObject({ code: 'object_unavailable' })
      expect(await row(bytes)).toMatchObject({ remote_state: 'uploaded' })
      opened.proxy.fault = { name: 'slow', delay: 300 }
      expect(await read(bytes)).toEqual(bytes)
    })

    test('other bytes are never served, and count as no copy until the right ones are seen', async () => {
      const bytes = await drawUnique()
      await opened.add(bytes)
      await opened.upload()
      await evictAll()
      opened.proxy.fault = { name: 'other-bytes' }
      await expect(read(bytes)).rejects.toMatchObject({ code: 'object_damaged' })
      expect(await isLocal(bytes)).toBe(false)
      expect(await row(bytes)).toMatchObject({
        remote_state: 'failed',
        remote_error: 'the object holds other bytes',
      })
      opened.proxy.fault = { name: 'none' }
      expect(await read(bytes)).toEqual(bytes)
      expect(await row(bytes)).toMatchObject({ remote_state: 'uploaded', remote_error: null })
    })

    test('an object that is lost is said to be lost, and comes back with the same picture', async () => {
      const bytes = await drawUnique()
      const image = await opened.add(bytes)
      await opened.upload()
      await evictAll()
      await opened.objects.remote.delete(keyOf(bytes))
      await expect(imageFile(opened.library, image)).rejects.toMatchObject({ code: 'object_missing' })
      expect(await row(bytes)).toMatchObject({
        remote_state: 'failed',
        remote_error: 'the object is missing',
      })
      expect(opened.objects.failures.missing).toBeGreaterThan(0)
      expect(await opened.upload()).toEqual({ uploaded: 0, failed: 0 })
      await opened.add(bytes)
      expect(await opened.upload()).toEqual({ uploaded: 1, failed: 0 })
      expect(await isRemote(bytes)).toBe(true)
      expect((await imageFile(opened.library, image)).bytes).toBe(bytes.length)
    })

    test('a copy that is used stays, the others go when their time is over', async () => {
      const [used, unused] = [await drawUnique(), await drawUnique()]
      await opened.add(used)
      await opened.add(unused)
      await opened.upload()
      opened.pass(70 * HOUR)
      await read(used)
      await opened.accesses.flush()
      opened.pass(3 * HOUR)
      await evict(opened.library, { lifetime: 72 * HOUR }, never)
      expect([await isLocal(used), await isLocal(unused)]).toEqual([true, false])
    })

    test('the trash takes the object along; who draws the same meanwhile keeps it', async () => {
      const bytes = await drawUnique()
      const image = await opened.add(bytes)
      await opened.upload()
      await remove(image.id)
      opened.proxy.fault = { name: 'status', status: 503, code: 'SlowDown' }
      await purge()
      expect(await row(bytes)).toMatchObject({ remote_state: 'deleting', reference_count: 0 })
      expect(await isLocal(bytes)).toBe(false)
      opened.proxy.fault = { name: 'none' }
      await opened.add(bytes)
      expect(await row(bytes)).toMatchObject({ remote_state: 'pending', reference_count: 1 })
      // The request to remove it may still be under way.
      expect(await opened.upload()).toEqual({ uploaded: 0, failed: 0 })
      await evictAll()
      expect(await isLocal(bytes)).toBe(true)
      opened.pass(3 * MINUTE)
      expect(await opened.upload()).toEqual({ uploaded: 1, failed: 0 })
      expect(await isRemote(bytes)).toBe(true)
    })

    test('a removal that failed is tried again, and in the end nothing is left', async () => {
      const bytes = await drawUnique()
      const image = await opened.add(bytes)
      await opened.upload()
      await remove(image.id)
      opened.proxy.fault = { name: 'down' }
      await purge()
      opened.proxy.fault = { name: 'none' }
      await purge()
      expect(await isRemote(bytes)).toBe(true)
      opened.pass(3 * MINUTE)
      await purge()
      expect({ row: await row(bytes), remote: await isRemote(bytes) }).toEqual({
        row: undefined,
        remote: false,
      })
    })

    test('an only copy goes when the operator says so, and is named', async () => {
      const bytes = await drawUnique()
      await opened.add(bytes)
      const gone: string[] = []
      const onlyCopiesGone = async (hashes: readonly string[]) => void gone.push(...hashes)
      await evict(opened.library, { lifetime: 0, onlyCopiesGone }, never)
      expect(gone).toEqual([sha256(bytes)])
      expect(await isLocal(bytes)).toBe(false)
      expect(await opened.upload()).toEqual({ uploaded: 0, failed: 0 })
    })
  })
}
