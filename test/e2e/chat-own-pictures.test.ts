import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWithAnyModel, type TestGateway } from '../pictor.ts'
import { SIGNATURE } from '../upstreams/openai-chat-dialects.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import { answer, assistant, complete, drawOne, imagePart, linksIn, sumOf, textPart, user } from './chat.ts'
import { callsFor, idOf, rowOf, sha256Of } from './evidence.ts'

/* What a chat upstream is shown of the pictures of a conversation. */

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const toolCall = (given: unknown) => ({
  role: 'assistant',
  content: null,
  tool_calls: [
    { id: 'call_1', type: 'function', function: { name: 'edit_image', arguments: JSON.stringify(given) } },
  ],
})

describe('a link of ours becomes the picture', () => {
  const places: Record<string, (url: string) => unknown[]> = {
    'in markdown': (url) => [user('a cat'), assistant(`Here:\n\n![image](${url})`), user('make it white')],
    'in an HTML tag': (url) => [user('a cat'), assistant(`<img src="${url}">`), user('make it white')],
    'as a bare link': (url) => [user(`make it white: ${url}`)],
    'in an image part': (url) => [user([textPart('make it white'), imagePart(url)])],
    'in a system message': (url) => [{ role: 'system', content: `The style: ${url}` }, user('make it white')],
    'in the images of an answer': (url) => [
      user('a cat'),
      { ...assistant('Here'), images: [imagePart(url)] },
      user('make it white'),
    ],
    'in the arguments of a tool call': (url) => [
      user('a cat'),
      toolCall({ image_urls: [url] }),
      { role: 'tool', tool_call_id: 'call_1', content: 'done' },
      user('make it white'),
    ],
    'in the result of a tool': (url) => [
      user('a cat'),
      toolCall({ prompt: 'a cat' }),
      { role: 'tool', tool_call_id: 'call_1', content: JSON.stringify({ url }) },
      user('make it white'),
    ],
    'under a name we had before': (url) => [user(`make it white: https://old.example/images/${idOf(url)}`)],
  }

  test.each(Object.entries(places))('%s', async (name, place) => {
    const model = `gemini-image-${name.replaceAll(' ', '-')}`
    const link = await drawOne(pictor)
    await complete(pictor, { model, messages: place(link), temperature: 0.5 })
    const [call] = callsFor(pictor.upstream, model)
    expect(call?.pictures.map(({ sha256 }) => sha256)).toEqual([await sumOf(pictor, link)])
    expect(call?.body.temperature).toBe(0.5)
    const isForTool = name.includes('tool')
    expect(JSON.stringify(call?.body).includes(link)).toBe(isForTool)
  })

  test('and the same goes for a chat model that only writes', async () => {
    const link = await drawOne(pictor)
    await using plain = await startWithAnyModel({ CHAT_PICTURES: 'never' })
    const shown = await drawOne(plain)
    const messages = [user([textPart('what is on it?'), imagePart(shown), imagePart(link)])]
    await complete(plain, { model: 'gpt-looking', messages })
    const [call] = callsFor(plain.upstream, 'gpt-looking')
    expect(call?.pictures.map(({ sha256 }) => sha256)).toEqual([await sumOf(plain, shown)])
    // That one is of another server.
    expect(JSON.stringify(call?.body.messages)).toContain(link)
  })

  test('pictures of the user go up as they were sent', async () => {
    const sent = whole(await paint({ width: 64, height: 64, format: 'png', mark: 'sent', bytes: 300_000 }))
    const part = {
      type: 'image_url',
      image_url: { url: `data:image/png;base64,${sent.toString('base64')}`, detail: 'high' },
    }
    await complete(pictor, {
      model: 'gemini-image-sent',
      messages: [user([textPart('make it white'), part])],
    })
    const [call] = callsFor(pictor.upstream, 'gemini-image-sent')
    expect(call?.pictures).toEqual([{ sha256: sha256Of(sent), bytes: sent.length, type: 'image/png' }])
    expect(call?.body.messages).toEqual([user([textPart('make it white'), part])])
  })
})

test.each([true, false])(
  'a conversation of three turns sees each picture, and sends its signature back (stream: %s)',
  async (streams) => {
    const model = `gemini-image-signed-${streams}`
    pictor.upstream.behave(model, { name: 'chat-signed', side: 64 })
    const messages: unknown[] = []
    const drawn: string[] = []
    for (const said of ['a cat', 'make it white', 'now with a hat']) {
      messages.push(user(said))
      const words = await answer(pictor, { model, messages, stream: streams })
      const call = callsFor(pictor.upstream, model).at(-1)
      expect(call?.pictures.map(({ sha256 }) => sha256)).toEqual(drawn)
      const signatures =
        JSON.stringify(call?.body.messages).split(`"thought_signature":"${SIGNATURE}0"`).length - 1
      expect(signatures).toBe(drawn.length)
      messages.push(assistant(words))
      const [link] = linksIn(words)
      expect(await rowOf(pictor, idOf(link))).toMatchObject({ signature: `${SIGNATURE}0`, prompt: said })
      drawn.push(await sumOf(pictor, link))
    }
  },
)
