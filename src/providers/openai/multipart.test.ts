import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Spooled } from '../../bytes/spooled.ts'
import { writeForm } from './multipart.ts'

test('a standard reader gets back what was written, and the length is right', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pictor-form-'))
  const path = join(folder, 'picture')
  const bytes = Buffer.from('bytes\r\n--of a picture')
  await writeFile(path, bytes)
  const picture = new Spooled({
    path,
    sha256: '',
    bytes: bytes.length,
    mime: 'image/jpeg',
    width: 1,
    height: 1,
  })
  const form = writeForm([
    { name: 'prompt', value: 'ein Fuchs 🦊\r\nim "Schnee"' },
    { name: 'na"me\r\n', value: 'x' },
    { name: 'image[]', value: picture },
    { name: 'image[]', value: picture },
  ])
  const body = Buffer.concat(await Array.fromAsync(form.chunks()))
  await rm(folder, { recursive: true })
  expect(body.length).toBe(form.length)

  const read = await new Response(body, { headers: { 'content-type': form.contentType } }).formData()
  expect(read.get('prompt')).toBe('ein Fuchs 🦊\r\nim "Schnee"')
  expect(read.get('na"me\r\n')).toBe('x')
  const files = read.getAll('image[]').filter((file) => file instanceof File)
  expect(files).toMatchObject([
    { name: 'image.jpg', type: 'image/jpeg' },
    { name: 'image.jpg', type: 'image/jpeg' },
  ])
  expect(await files[1]?.text()).toBe(bytes.toString())
})
