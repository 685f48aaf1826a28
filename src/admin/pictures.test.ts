import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { testDatabases } from '../db/testing.ts'
import { drawUnique, openTestLibrary } from '../library/testing.ts'
import { pictureKey, type Storage } from '../storage/storage.ts'
import { carryPicture } from './pictures.ts'
import { openTarget } from './testing.ts'

const engines = testDatabases().filter(({ name }) => name === 'sqlite')

for (const engine of engines) {
  test('a picture that does not lie on this machine is fetched, one that is purged just then is missing', async () => {
    await using full = await openTestLibrary(engine)
    await using target = await openTarget(engine)
    const { originals } = full.library
    const image = await full.add(await drawUnique())
    const key = pictureKey(image.sha256, image.mime)
    const elsewhere: Storage = { ...originals, localPath: async () => undefined }
    const carry = (from: Storage, to = target.originals) =>
      carryPicture(image, { from, to, spool: full.spool })
    expect(await carry(elsewhere)).toBe(true)
    expect(await target.originals.read(key)).toEqual(await originals.read(key))

    await target.originals.delete(key)
    const purged: Storage = {
      ...originals,
      localPath: async (name) => {
        const path = await originals.localPath(name)
        await rm(path ?? '')
        return path
      },
    }
    expect(await carry(purged)).toBe(false)
    expect(await carry(elsewhere)).toBe(false)
    expect(await target.originals.stat(key)).toBeUndefined()
  })
}
