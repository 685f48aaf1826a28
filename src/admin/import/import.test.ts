import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createKeys } from '../../access/keys.ts'
import { systemClock } from '../../base/clock.ts'
import { testDatabases } from '../../db/testing.ts'
import { importKeys } from './api-keys.ts'
import { readGallery } from './gallery.ts'
import { readRecord, timeOf } from './record.ts'
import { importTokens } from './tokens.ts'

const root = await mkdtemp(join(tmpdir(), 'pictor-import-'))
afterAll(() => rm(root, { recursive: true }))

const hash = (secret: string) => createHash('sha256').update(secret).digest('hex')

test.each([
  [1_746_100_800, 1_746_100_800_000],
  [1_746_100_800.5, 1_746_100_800_500],
  ['1746100800', 1_746_100_800_000],
  [1_746_100_800_000, 1_746_100_800_000],
  ['2025-05-01T12:00:00Z', 1_746_100_800_000],
  ['2025-05-01 12:00:00', 1_746_100_800_000],
  ['2025-05-01T14:00:00+02:00', 1_746_100_800_000],
  ['2025-05-01', 1_746_057_600_000],
  ['soon', undefined],
  [0, undefined],
  [-5, undefined],
  [1e300, undefined],
  [null, undefined],
  ['', undefined],
])('the time %j', (given, time) => {
  expect(timeOf(given)).toBe(time)
})

test('a record may spell its fields in several ways, and what is not known is kept', () => {
  expect(
    readRecord({ ID: 5, filePath: './a/b.png', Prompt: 'a fox', modelName: 'm', createdAt: 1, stars: 4 }),
  ).toEqual({
    id: '5',
    file: './a/b.png',
    prompt: 'a fox',
    model: 'm',
    aspectRatio: undefined,
    createdAt: 1000,
    rest: { stars: 4 },
  })
  for (const other of [null, 5, 'x', [], {}, { prompt: 'x' }, { filename: '' }, { filename: {} }]) {
    expect(readRecord(other)).toBeUndefined()
  }
})

test('a gallery may be a list, a map, or either under a name', async () => {
  const record = { filename: 'a.png' }
  const path = join(root, 'image_metadata.json')
  for (const [document, id] of [
    [[record], 'a.png'],
    [{ one: record }, 'one'],
    [{ images: [record] }, 'a.png'],
    [{ images: { one: record } }, 'one'],
  ] as const) {
    await writeFile(path, JSON.stringify(document))
    expect([...(await readGallery(path)).images].map((image) => image.id)).toEqual([id])
  }
  await writeFile(path, '{"a": ')
  await expect(readGallery(path)).rejects.toThrow('is not JSON')
})

const KEYS = {
  'sk-first-0123456789abcdefghij': { name: 'first', daily_limit: 5, created_at: 1_746_100_800, color: 'red' },
  'sk-second-0123456789abcdefghij': { name: 'second', enabled: false },
  tiny: { name: 'tiny' },
}

for (const engine of testDatabases()) {
  test(`${engine.name}: keys work as before, are kept as hashes, and are not added twice`, async () => {
    await using opened = await engine.open()
    const { database } = opened
    const path = join(root, `${engine.name}.json`)
    await writeFile(path, JSON.stringify(KEYS))
    const parts = { database, clock: systemClock, hash }
    const result = await importKeys(parts, path)
    expect(result).toMatchObject({ added: 3, present: 0, unreadable: 0, short: ['tiny'] })
    const rows = await database.query.selectFrom('api_key').selectAll().orderBy('name').execute()
    expect(rows.map(({ name, created_at }) => [name, created_at > 1_746_100_800_000])).toEqual([
      ['first', false],
      ['second', true],
      ['tiny', true],
    ])
    // Where keys have limits, the limit is there; else it is named as not kept.
    expect(result.dropped).toEqual('daily_limit' in (rows[0] ?? {}) ? [] : ['daily_limit'])
    expect(JSON.stringify(rows)).not.toContain('0123456789abcdefghij')
    const keys = createKeys(database, systemClock, undefined)
    expect(await keys.identify('sk-first-0123456789abcdefghij')).toMatchObject({ owner: rows[0]?.id })
    await expect(
      keys.identify('sk-second-0123456789abcdefghij').then((caller) => caller ?? Promise.reject('refused')),
    ).rejects.toBeDefined()
    expect(await importKeys(parts, path)).toMatchObject({ added: 0, present: 3 })

    await writeFile(
      path,
      JSON.stringify({
        keys: [{ key: 'sk-third-0123456789abcdefghij' }, 'sk-fourth-0123456789abcdef', 5, {}],
      }),
    )
    expect(await importKeys(parts, path)).toMatchObject({ added: 2, unreadable: 2 })
  })
}

test('tokens are copied unless there are some', async () => {
  const path = join(root, 'key.txt')
  const target = join(root, 'target.txt')
  await writeFile(path, '# mine\n\ntoken-one\ntoken-two\n')
  expect(await importTokens(path, target)).toEqual({ tokens: 2, copied: true })
  expect((await stat(target)).mode & 0o777).toBe(0o600)
  await writeFile(target, 'other')
  expect(await importTokens(path, target)).toEqual({ tokens: 2, copied: false })
  expect(await readFile(target, 'utf8')).toBe('other')
})
