import { expect, test } from 'vitest'
import { Spooled, SpooledText } from '../../bytes/spooled.ts'
import { withPrefix } from '../../bytes/write-json.ts'
import { replaceOwnUrls } from './replace-own-urls.ts'

const id = (number: number) => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
const link = (number: number) => `https://pictor.example/images/${id(number)}`
const spooled = (number: number) =>
  new Spooled({
    path: `/kept/${number}`,
    sha256: `${number}`,
    bytes: number,
    mime: 'image/webp',
    width: 1,
    height: 1,
  })
const part = (number: number, more = {}) => ({
  type: 'image_url',
  image_url: { url: withPrefix(spooled(number), 'data:image/webp;base64,') },
  ...more,
})
const text = (text: unknown) => ({ type: 'text', text })
const user = (content: unknown) => ({ role: 'user', content })
const assistant = (content: unknown, more = {}) => ({ role: 'assistant', content, ...more })

/** A library that has the pictures 1 to 20. */
function library() {
  const asked: number[] = []
  const resolve = async (wanted: string) => {
    const number = Number(wanted.slice(-12))
    asked.push(number)
    return number <= 20 ? { picture: spooled(number) } : undefined
  }
  return { asked, resolve }
}

const replace = (...messages: unknown[]) => replaceOwnUrls(messages, library().resolve)

test('a conversation without our links is passed on as it is, and nothing is looked up', async () => {
  const { asked, resolve } = library()
  const messages = [user('see https://x.org/cat.png'), assistant('nice'), user([part(1)])]
  expect(await replaceOwnUrls(messages, resolve)).toBe(messages)
  expect(asked).toEqual([])
  const unknown = [user(`see ${link(99)}`)]
  expect(await replaceOwnUrls(unknown, resolve)).toBe(unknown)
})

test('a link in words of the user becomes a name, and the picture follows under it', async () => {
  const named = [text('[image 1]'), part(1)]
  expect(await replace(user(`make ${link(1)} white`))).toEqual([
    user([text('make [image 1] white'), ...named]),
  ])
  expect(await replace(user(`![a fox](${link(1)})\nwhite`))).toEqual([
    user([text('[image 1]\nwhite'), ...named]),
  ])
  expect(await replace(user(`<img src="${link(1)}/thumbnail"> white`))).toEqual([
    user([text('[image 1] white'), ...named]),
  ])
  expect(await replace(user(`[this fox](${link(1)}) white`))).toEqual([
    user([text('this fox [image 1] white'), ...named]),
  ])
  expect(await replace(user([{ type: 'input_text', text: `white ${link(1)}` }]))).toEqual([
    user([{ type: 'input_text', text: 'white [image 1]' }, ...named]),
  ])
})

test('a picture part of the user gets the bytes in place, and keeps what stood beside the link', async () => {
  const parts = [
    text('compare'),
    { type: 'image_url', image_url: { url: link(1), detail: 'high' } },
    { type: 'image_url', image_url: link(2) },
    { type: 'input_image', image_url: link(99) },
    { type: 'image_url', image_url: { url: 'https://x.org/a.png' } },
  ]
  const [message] = await replace(user(parts))
  const { url } = part(1).image_url
  expect(message).toEqual(
    user([
      text('compare'),
      { type: 'image_url', image_url: { url, detail: 'high' } },
      part(2),
      parts[3],
      parts[4],
    ]),
  )
})

test('what the assistant drew is shown in the next message of the user, before the words', async () => {
  const images = [{ type: 'image_url', image_url: { url: link(3) } }]
  const messages = await replace(
    user('a cat'),
    assistant(`Here: ![image](${link(1)})`),
    assistant([text('and'), { type: 'image_url', image_url: { url: link(2) } }]),
    assistant(null, { images }),
    user('make it white'),
  )
  expect(messages).toEqual([
    user('a cat'),
    assistant('Here: [image 1]'),
    assistant([text('and'), text('[image 2]')]),
    assistant('[image 3]'),
    user([
      ...[text('[image 1]'), part(1), text('[image 2]'), part(2), text('[image 3]'), part(3)],
      text('make it white'),
    ]),
  ])
})

test('what comes after the last message of the user is shown there; without a user, links stay', async () => {
  expect(await replace(user('a cat'), assistant(link(1)))).toEqual([
    user([text('a cat'), text('[image 1]'), part(1)]),
    assistant('[image 1]'),
  ])
  const lonely = [assistant(link(1))]
  expect(await replaceOwnUrls(lonely, library().resolve)).toBe(lonely)
})

test('each picture is shown once, under one name', async () => {
  expect(
    await replace(user(link(1)), assistant(`no: ${link(1)}/thumbnail ${link(2)}`), user(link(2))),
  ).toEqual([
    user([text('[image 1]'), text('[image 1]'), part(1)]),
    assistant('no: [image 1] [image 2]'),
    user([text('[image 2]'), part(2), text('[image 2]')]),
  ])
  const drawn = assistant(`![image](${link(1)})`)
  const sent = { type: 'image_url', image_url: { url: link(1) } }
  expect(await replace(user('a cat'), drawn, user([text('white'), sent]))).toEqual([
    user('a cat'),
    assistant('[image 1]'),
    user([text('white'), text('[image 1]'), part(1)]),
  ])
})

test('links of tools stay as they are, for they are handed on; the pictures are added with them', async () => {
  const call = (url: string) => [
    { id: '1', type: 'function', function: { name: 'edit', arguments: `{"url":"${url}"}` } },
  ]
  const escaped = link(1).replaceAll('/', '\\/')
  const conversation = [
    user('a cat'),
    assistant(null, { tool_calls: call(escaped) }),
    { role: 'tool', tool_call_id: '1', content: JSON.stringify({ url: link(2) }) },
  ]
  expect(await replace(...conversation)).toEqual([
    user([text('a cat'), text(`[image 1] ${link(1)}`), part(1), text(`[image 2] ${link(2)}`), part(2)]),
    ...conversation.slice(1),
  ])
})

test('the signature of a picture goes along with it', async () => {
  const resolve = async () => ({ picture: spooled(1), signature: 'sig1' })
  const signed = part(1, { extra_content: { google: { thought_signature: 'sig1' } } })
  expect(await replaceOwnUrls([assistant(link(1)), user('white')], resolve)).toEqual([
    assistant('[image 1]'),
    user([text('[image 1]'), signed, text('white')]),
  ])
  const sent = { type: 'image_url', image_url: { url: link(1) } }
  expect(await replaceOwnUrls([user([sent])], resolve)).toEqual([user([signed])])
})

test('the latest eight are shown, in the order of the conversation; older links stay', async () => {
  const { asked, resolve } = library()
  const old = assistant(`${link(1)} ${link(2)}`)
  const many = assistant([3, 4, 5, 6, 99, 7, 8, 9].map(link).join(' '))
  const [first, second, third] = await replaceOwnUrls([old, many, user(`and ${link(1)}`)], resolve)
  expect(first).toEqual(assistant(`[image 1] ${link(2)}`))
  expect(second).toEqual(
    assistant(`[image 2] [image 3] [image 4] [image 5] ${link(99)} [image 6] [image 7] [image 8]`),
  )
  const shown = [1, 3, 4, 5, 6, 7, 8, 9].flatMap((number, index) => [
    text(`[image ${index + 1}]`),
    part(number),
  ])
  expect(third).toEqual(user([...shown, text('and [image 1]')]))
  expect(asked).not.toContain(2)
})

test('parts of the user are never too many, and lookups have an end', async () => {
  const { asked, resolve } = library()
  const parts = Array.from({ length: 12 }, (_, index) => ({
    type: 'image_url',
    image_url: { url: link(index + 1) },
  }))
  expect(await replaceOwnUrls([user(parts)], resolve)).toEqual([
    user(Array.from({ length: 12 }, (_, index) => part(index + 1))),
  ])
  asked.length = 0
  const flood = user(Array.from({ length: 5000 }, (_, index) => link(index + 100)).join(' '))
  await replaceOwnUrls([flood], resolve)
  expect(asked).toHaveLength(64)
})

test('pictures that the client sent stay untouched', async () => {
  const file = new Spooled({ ...spooled(50), prefix: 'data:image/png;base64,' })
  const mixed = new SpooledText(['![x](', file, `) like ${link(1)}`])
  const sent = { type: 'image_url', image_url: { url: file } }
  expect(await replace(user(mixed), user([text(mixed), sent]), user(file))).toEqual([
    user([text(new SpooledText(['![x](', file, ') like [image 1]'])), text('[image 1]'), part(1)]),
    user([text(new SpooledText(['![x](', file, ') like [image 1]'])), sent]),
    user(file),
  ])
})

test('what we do not know stays as it is', async () => {
  const odd = [
    null,
    7,
    'text',
    { role: 'user' },
    user({ text: link(1) }),
    assistant('x', { name: 'a', refusal: null }),
  ]
  const [...result] = await replace(...odd, user(link(2)))
  expect(result.slice(0, odd.length)).toEqual(odd)
})
