import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { pictureKey } from '../../src/storage/storage.ts'
import type { TestPictor } from '../pictor.ts'
import type { FakeOpenAi } from '../upstreams/openai.ts'
import { type PictureOptions, paint, whole } from '../upstreams/pictures.ts'
import type { RecordedRequest } from '../upstreams/recorded-request.ts'

/** The row of a picture; fails when there is none. */
export const rowOf = ({ app }: TestPictor, id: string | undefined) =>
  app.parts.gateway.database.query
    .selectFrom('image')
    .selectAll()
    .where('id', '=', id ?? '')
    .executeTakeFirstOrThrow()

/** All rows of pictures that were asked of a model, oldest first. */
export const rowsOfModel = ({ app }: TestPictor, model: string) =>
  app.parts.gateway.database.query
    .selectFrom('image')
    .selectAll()
    .where('model', '=', model)
    .orderBy('position')
    .execute()

/** The original as it lies on the disk. */
export async function storedBytes(pictor: TestPictor, id: string | undefined): Promise<Buffer> {
  const { sha256, mime } = await rowOf(pictor, id)
  const bytes = await readFile(join(pictor.dataDirectory, 'images', pictureKey(sha256, mime)))
  expect(sha256Of(bytes)).toBe(sha256)
  return bytes
}

/** The id in one of our image URLs. */
export function idOf(url: string | undefined): string {
  const { pathname } = new URL(url ?? '')
  return pathname.split('/')[2] ?? ''
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export type Shape = Pick<PictureOptions, 'width' | 'height' | 'format' | 'bytes'>

/** That these are, byte for byte, what the fake upstream painted: each of its pictures bears a mark and can be painted again. */
export async function expectPainted(bytes: Buffer, shape: Shape): Promise<void> {
  const [, digits = ''] = /picture (\d+)/.exec(bytes.toString('latin1')) ?? []
  expect(digits, 'the mark of the upstream').not.toBe('')
  // What follows the mark may happen to be a digit too.
  const marks = [...digits].map((_, index) => `picture ${digits.slice(0, digits.length - index)}`)
  const painted = await Promise.all(marks.map(async (mark) => whole(await paint({ ...shape, mark }))))
  expect(painted.map(sha256Of)).toContain(sha256Of(bytes))
}

/** The calls for one model that have reached the upstream. */
export const callsFor = (upstream: FakeOpenAi, model: string): RecordedRequest[] =>
  upstream.requests.filter(({ body }) => body.model === model)

/** Waits until something is so, for things that happen without an answer to wait for. */
export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('it did not happen within 10 s')
}
