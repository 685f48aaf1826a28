import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { drawUnique } from '../../src/library/testing.ts'
import { json } from '../pictor.ts'
import { runProcess, startPictorProcess } from '../process.ts'

const root = await mkdtemp(join(tmpdir(), 'pictor-data-'))
afterAll(() => rm(root, { recursive: true }))

interface Reply {
  data: { image_id: string }[]
}

/** Runs one of the operator's commands as npm does, with its arguments as typed in `root`. */
async function operate(env: Record<string, string>, name: string, ...args: string[]) {
  const command = ['scripts/operate.mjs', `scripts/${name}.ts`, ...args]
  await using running = runProcess(process.execPath, command, { env: { INIT_CWD: root, ...env } })
  const code = await running.ended
  return { code, stdout: running.stdout(), stderr: running.stderr() }
}

test('a backup of a running server becomes another server, which goes on', async () => {
  const env = { DATA_DIR: join(root, 'first') }
  const moved = { DATA_DIR: join(root, 'second') }
  let id = ''
  let bytes: ArrayBuffer
  {
    await using first = await startPictorProcess(env)
    const reply = await first.fetch(
      '/v1/images/generations',
      json({ prompt: 'a red fox', size: '64x64' }, { authorization: first.authorization }),
    )
    id = ((await reply.json()) as Reply).data[0]?.image_id ?? ''
    bytes = await (await first.fetch(`/images/${id}`)).arrayBuffer()
    expect(await operate(env, 'backup', 'copy')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 pictures'),
    })
  }
  const key = join('copy', 'secret.key')
  await expect(readFile(join(root, key))).rejects.toThrow('ENOENT')
  expect((await operate(env, 'backup', '--with-secret-key', 'copy')).stdout).toContain(
    'The secret key is in it',
  )
  expect(await operate(moved, 'restore', 'copy')).toMatchObject({ code: 0, stderr: '' })
  const refused = await operate(moved, 'restore', 'copy')
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('not empty') })
  const secret = await readFile(join(env.DATA_DIR, 'secret.key'))
  expect(await readFile(join(moved.DATA_DIR, 'secret.key'))).toEqual(secret)
  const database = `sqlite:${join(root, 'third.sqlite')}`
  expect(await operate(moved, 'migrate-to', database)).toMatchObject({ code: 0, stderr: '' })

  await using second = await startPictorProcess({ ...moved, DATABASE_URL: database })
  expect(await (await second.fetch(`/images/${id}`)).arrayBuffer()).toEqual(bytes)
  const found = await second.fetch('/api/v1/history/search?keyword=fox')
  expect(await found.json()).toMatchObject({ data: { total: 1 } })
})

test('a gallery is imported, and the wrong words are answered with the right ones', async () => {
  const env = { DATA_DIR: join(root, 'gallery'), AUTH: 'off' }
  await writeFile(join(root, 'cat.png'), await drawUnique())
  await writeFile(
    join(root, 'image_metadata.json'),
    JSON.stringify([{ filename: 'cat.png', prompt: 'a cat' }, { filename: 'none.png' }]),
  )
  const imported = await operate(env, 'import', 'gallery', '.')
  expect(imported).toMatchObject({ code: 0, stderr: '' })
  expect(imported.stdout).toContain('1 added, 0 were here, 1 files missing, 0 broken.')
  expect(imported.stdout).toContain('Missing: none.png')
  expect(imported.stdout).toContain('will belong to anyone')
  expect(await operate(env, 'import', 'gallery', '.', '--owner', 'nobody')).toMatchObject({
    code: 1,
    stderr: 'There is no API key with the id nobody.\n',
  })
  await using pictor = await startPictorProcess(env)
  // The process of the test has a key; without it a caller is anyone.
  const history = await fetch(`${pictor.url}/api/v1/history`)
  expect(await history.json()).toMatchObject({ data: { total: 1, list: [{ prompt: 'a cat' }] } })

  for (const args of [
    ['import'],
    ['import', 'nothing', 'x'],
    ['restore'],
    ['migrate-to'],
    ['backup', 'a', 'b'],
  ]) {
    const [name = '', ...words] = args
    expect(await operate(env, name, ...words)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Usage: '),
    })
  }
})
