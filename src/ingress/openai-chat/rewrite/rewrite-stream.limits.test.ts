import { expect, test } from 'vitest'
import { fakePng, noise, openTestSpool } from '../../../bytes/testing.ts'
import { rewriteStream } from './rewrite-stream.ts'
import { chunk, RED, RED_URL, readAsClient, streamed } from './testing.ts'

test('as a list a picture takes its markdown along', async () => {
  const text = `A ![cat](data:image/png;base64,${RED}) and ![dog](https://cdn.example/dog) and ![a](b) `
  const body = (text.match(/.{1,3}/g) ?? []).map((content) => chunk({ content })).join('')
  for (const sent of [body, chunk({ content: text })]) {
    const answer = readAsClient((await streamed(sent, { format: 'content', urls: true })).text)
    expect(answer.content).toBe('A  and  and ![a](b) ')
    expect(answer.parts).toMatchObject([
      { image_url: { url: RED_URL } },
      { image_url: { url: 'https://own.example/dog#kept' } },
    ])
  }
})

test('no line has 64 KiB, whatever comes in', async () => {
  const long = 'é"\\漢\u0001'.repeat(30_000)
  const call = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: long } }
  const body = [
    chunk({ role: 'assistant', content: long }),
    chunk({ reasoning_content: long }),
    chunk({ tool_calls: [call] }),
    chunk({ content: 'x', annotations: [long], extra: long }),
    `data: ${JSON.stringify({ choices: [], citations: [long] })}\n\n`,
    `data: ${'x'.repeat(70_000)}\n\n`,
    chunk({}, 'stop'),
  ].join('')
  const answer = readAsClient((await streamed(body)).text)
  expect(answer.longest).toBeLessThan(65_536)
  expect(answer).toMatchObject({ finish: ['stop'], isDone: true })
  expect(answer.content === `${long}x`).toBe(true)
  expect(answer.reasoning === long).toBe(true)
  expect(answer.arguments === long).toBe(true)
})

test('the end is said once', async () => {
  const done = 'data: [DONE]\n\n'
  const hello = chunk({ content: 'Hello' })
  expect((await streamed(hello)).text).toBe(hello + done)
  expect((await streamed(hello.trimEnd())).text).toBe(hello + done)
  expect((await streamed(hello + done + done)).text).toBe(hello + done)
  expect((await streamed(`${hello}data: [DONE]`)).text).toBe(hello + done)
  expect((await streamed('')).text).toBe(done)
  expect(readAsClient((await streamed(chunk({ content: 'and' }))).text)).toMatchObject({ content: 'and' })
})

test('a cut or broken answer is an error', async () => {
  await expect(streamed(`${chunk({ content: 'Hello' })}data: {"choices":[{"del`)).rejects.toMatchObject({
    kind: 'truncated',
  })
  const broken = chunk({ images: [`data:image/png;base64,${RED.slice(0, 60)}`] })
  await expect(streamed(broken)).rejects.toMatchObject({ kind: 'truncated' })
  const none = chunk({ images: ['data:image/png;base64,aGVsbG8gd29ybGQ='] })
  await expect(streamed(none)).rejects.toMatchObject({ kind: 'not_a_picture' })
})

test('base64 may go on in events of any length', async () => {
  const red = fakePng(300_000).toString('base64')
  for (const first of [22, 23, 30, 70_000, 200_000, 200_001, 200_002, 200_003]) {
    const text = `![x](data:image/png;base64,${red}) end`
    const cuts = [text.slice(0, 5 + first), text.slice(5 + first)]
    const body = cuts.map((content) => chunk({ content })).join('')
    const { text: out, kept } = await streamed(body, { red })
    expect(readAsClient(out).content).toBe(`![x](${RED_URL}) end`)
    expect(kept.map(({ base64 }) => base64 === red)).toEqual([true])
  }
})

test('pictures in unknown fields are kept, and base64 of other things goes', async () => {
  const red = fakePng(60_000).toString('base64')
  const url = `data:image/png;base64,${red}`
  const call = { index: 0, function: { arguments: JSON.stringify({ picture: url }) } }
  const sound = `data:audio/wav;base64,${Buffer.alloc(60_000, 7).toString('base64')}`
  const body =
    chunk({ tool_calls: [call] }) + chunk({ unknown: { deep: [url] } }) + chunk({ content: 'x', sound })
  const { text, kept } = await streamed(body, { red })
  expect(readAsClient(text)).toMatchObject({ arguments: JSON.stringify({ picture: RED_URL }), content: 'x' })
  expect(text).toContain(`"deep":["${RED_URL}"]`)
  expect(text).not.toContain('path')
  expect(kept).toHaveLength(1)
})

test('pictures of 20 MB in one line are never held, nor what is written of them', async () => {
  const piece = noise(49_152).toString('base64')
  const head = fakePng(49_152).subarray(0, 36_864).toString('base64')
  const end = fakePng(49_152).subarray(36_864).toString('base64')
  const before = process.memoryUsage().rss
  let peak = 0
  async function* body(start: string, stop: string) {
    yield Buffer.from(`data: {"choices":[{"index":0,"delta":${start}data:image/png;base64,${head}`)
    for (let bytes = 0; bytes < 20e6; bytes += 49_152) {
      yield Buffer.from(piece)
      peak = Math.max(peak, process.memoryUsage().rss)
    }
    yield Buffer.from(`${end}${stop}}]}\n\ndata: [DONE]\n\n`)
  }
  for (const format of ['markdown', 'base64'] as const) {
    const rewrite = async (start: string, stop: string) => {
      await using test = await openTestSpool()
      const keeper = { keep: async () => RED_URL }
      let bytes = 0
      for await (const out of rewriteStream(body(start, stop), { spool: test.spool, keeper, format })) {
        bytes += out.length
      }
      expect(bytes > 26e6).toBe(format === 'base64')
    }
    const many = Array.from({ length: 4 }, () => [
      rewrite('{"content":"![image](', ')"}'),
      rewrite('{"images":[{"image_url":{"url":"', '"}}]}'),
    ])
    await Promise.all(many.flat())
  }
  expect((peak - before) / 1e6).toBeLessThan(120)
})
