import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWithAnyModel, type TestGateway } from '../pictor.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import {
  answer,
  assistant,
  complete,
  drawOne,
  imagePart,
  linksIn,
  post,
  stream,
  sumOf,
  textPart,
  user,
} from './chat.ts'
import { callsFor, idOf, sha256Of } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

/** The hashes of what the upstream was given with its last call for a model. */
const givenTo = (model: string, { upstream } = pictor) =>
  callsFor(upstream, model)
    .at(-1)
    ?.files.map(({ bytes }) => sha256Of(bytes))

const png = async (mark: string, bytes?: number) =>
  whole(await paint({ width: 64, height: 48, format: 'png', mark, bytes }))
const dataUrl = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`

describe('a conversation of five turns', () => {
  /** What the user says, and which answer the picture must be drawn from, counted from 1. */
  type Turn = [said: string, from: number | undefined]
  const english: Turn[] = [
    ['a cat on a sofa', undefined],
    ['make the cat white', 1],
    ['now with a hat', 2],
    ['draw a new image of a ship', undefined],
    ['make it night', 4],
  ]
  const chinese: Turn[] = [
    ['沙发上的猫', undefined],
    ['把猫改成白色', 1],
    ['再给它戴一顶帽子', 2],
    ['重新画一艘船', undefined],
    ['换成夜晚', 4],
  ]
  const clients = [
    ['in a stream', english, true],
    ['in whole answers', english, false],
    ['in Chinese', chinese, true],
  ] as const

  test.each(clients)('each edit gets the picture of the turn before, %s', async (name, turns, streams) => {
    const model = `image-five-${name.replaceAll(' ', '-')}`
    const messages: unknown[] = []
    const drawn: string[] = []
    for (const [said, from] of turns) {
      messages.push(user(said))
      const words = await answer(pictor, { model, messages, size: '64x64', stream: streams })
      messages.push(assistant(words))
      const [link, ...others] = linksIn(words)
      expect(others).toEqual([])
      const call = callsFor(pictor.upstream, model).at(-1)
      expect(call?.path).toBe(from === undefined ? '/v1/images/generations' : '/v1/images/edits')
      expect(call?.body.prompt).toBe(said)
      expect(givenTo(model)).toEqual(from === undefined ? [] : [drawn[from - 1]])
      drawn.push(await sumOf(pictor, link))
    }
    expect(callsFor(pictor.upstream, model)).toHaveLength(5)
    expect(new Set(drawn).size).toBe(5)
  })

  test('a picture that is drawn from another shows its thumbnail first', async () => {
    const link = await drawOne(pictor)
    const { content } = await stream(pictor, {
      model: 'image-thumbnail',
      messages: [user(`make it white ${link}`)],
    })
    expect(content).toContain(`![reference 1](${link}/thumbnail)`)
    expect((await fetch(`${link}/thumbnail`)).headers.get('content-type')).toBe('image/webp')
  })
})

describe('a picture of ours is found', () => {
  const places: Record<string, (url: string) => unknown[]> = {
    'in markdown': (url) => [
      user('a cat'),
      assistant(`Here you are:\n\n![image](${url})\n`),
      user('make it white'),
    ],
    'in an HTML tag': (url) => [
      user('a cat'),
      assistant(`<img src="${url}" alt="a cat">`),
      user('make it white'),
    ],
    'as a bare link': (url) => [user(`make it white: ${url}`)],
    'with a file ending and a format': (url) => [user(`${url}.png?format=webp make it white`)],
    'in an image part': (url) => [user([textPart('make it white'), imagePart(url)])],
    'in an image part that is a text': (url) => [
      user([textPart('make it white'), { type: 'image_url', image_url: url }]),
    ],
    'in an input_image part': (url) => [
      user([
        { type: 'input_text', text: 'make it white' },
        { type: 'input_image', image_url: url },
      ]),
    ],
    'in a list of the answer': (url) => [user('a cat'), assistant([imagePart(url)]), user('make it white')],
    'in the images of the answer': (url) => [
      user('a cat'),
      { ...assistant(''), images: [imagePart(url)] },
      user('make it white'),
    ],
    'in the result of a tool': (url) => [
      user('a cat'),
      { role: 'assistant', content: null, tool_calls: [call('draw_image', { prompt: 'a cat' })] },
      { role: 'tool', tool_call_id: 'call_1', content: JSON.stringify({ status: 'ok', url }) },
      user('make it white'),
    ],
    'in the arguments of a tool call': (url) => [
      user('a cat'),
      { role: 'assistant', content: null, tool_calls: [call('show_image', { image_urls: [url] })] },
      { role: 'tool', tool_call_id: 'call_1', content: 'shown' },
      user('make it white'),
    ],
    'under a name we had before': (url) => [
      user([textPart('make it white'), imagePart(`https://old.example/pictor/images/${idOf(url)}`)]),
    ],
    'without any name': (url) => [
      user('a cat'),
      assistant(`![image](/images/${idOf(url)})`),
      user('make it white'),
    ],
  }

  const call = (name: string, given: unknown) => ({
    id: 'call_1',
    type: 'function',
    function: { name, arguments: JSON.stringify(given) },
  })

  test.each(Object.entries(places))('%s', async (name, place) => {
    const model = `image-${name.replaceAll(/\W/g, '-')}`
    const link = await drawOne(pictor)
    await complete(pictor, { model, messages: place(link) })
    expect(givenTo(model)).toEqual([await sumOf(pictor, link)])
    expect(callsFor(pictor.upstream, model)[0]?.body.prompt).toMatch(/^make it white:?$/)
  })

  test('or, where it is gone, left out', async () => {
    const url = `${pictor.url}/images/01890000-0000-7000-8000-000000000000`
    await complete(pictor, { model: 'image-gone', messages: [user(`make it white ![image](${url})`)] })
    expect(callsFor(pictor.upstream, 'image-gone')[0]).toMatchObject({
      path: '/v1/images/generations',
      body: { prompt: 'make it white' },
    })
  })
})

describe('pictures of the user', () => {
  test('go up as they are, in their order', async () => {
    const pictures = [await png('first'), await png('second', 200_000), await png('third')]
    const [first = '', second = '', third = ''] = pictures.map(dataUrl)
    const messages = [
      user([
        textPart('put them together'),
        imagePart(first),
        imagePart(second),
        textPart(`and ![this](${third})`),
      ]),
    ]
    await complete(pictor, { model: 'image-sent', messages })
    expect(givenTo('image-sent')).toEqual(pictures.map(sha256Of))
    expect(callsFor(pictor.upstream, 'image-sent')[0]?.body.prompt).toBe('put them together\nand')
  })

  test('come before those of the conversation', async () => {
    const link = await drawOne(pictor)
    const sent = await png('sent')
    const messages = [
      user('a cat'),
      assistant(`![image](${link})`),
      user([textPart('use this one'), imagePart(dataUrl(sent))]),
    ]
    await complete(pictor, { model: 'image-preferred', messages })
    expect(givenTo('image-preferred')).toEqual([sha256Of(sent)])
  })

  test('that a model takes none of are left out', async () => {
    const messages = [user([textPart('make it white'), imagePart(await drawOne(pictor))])]
    await complete(pictor, { model: 'dall-e-3-chat', messages })
    expect(callsFor(pictor.upstream, 'dall-e-3-chat')[0]?.path).toBe('/v1/images/generations')
  })

  test('that are none are refused', async () => {
    const text = `data:image/png;base64,${Buffer.from('no picture at all').toString('base64')}`
    const response = await post(pictor, {
      model: 'image-none',
      messages: [user([textPart('make it white'), imagePart(text)])],
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_image', param: 'messages' } })
  })
})

describe('a picture on another site', () => {
  const ask = (gateway: TestGateway, url: string) =>
    post(gateway, {
      model: 'image-foreign',
      messages: [user([textPart('make it white'), imagePart(url)])],
      stream: true,
    })

  test('is refused as a part, and is words in a text', async () => {
    const refused = await ask(pictor, 'https://pictures.example/cat.png')
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({
      error: { code: 'external_image_disabled', param: 'messages' },
    })
    const prompt = 'a cat like https://pictures.example/cat.png'
    await complete(pictor, { model: 'image-foreign-words', messages: [user(prompt)] })
    expect(callsFor(pictor.upstream, 'image-foreign-words')[0]).toMatchObject({
      path: '/v1/images/generations',
      body: { prompt },
    })
  })

  test('is fetched where that is allowed, from public addresses only', async () => {
    await using guarded = await startWithAnyModel({ ALLOW_EXTERNAL_IMAGES: 'yes' })
    const blocked = await ask(guarded, `${guarded.upstream.origin}/files/0.png`)
    expect(blocked.status).toBe(400)
    expect(await blocked.json()).toMatchObject({ error: { code: 'blocked_address', param: 'messages' } })
    expect(guarded.upstream.downloads).toEqual([])

    await using open = await startWithAnyModel(
      { ALLOW_EXTERNAL_IMAGES: 'yes' },
      { isAllowedAddress: () => true },
    )
    open.upstream.behave('image-published', 'url')
    const own = await complete(open, { model: 'image-published', messages: [user('a cat')], size: '64x64' })
    const [link] = linksIn(String(own.choices[0]?.message.content))
    const answered = await ask(open, `${open.upstream.origin}/files/0.png`)
    expect(await answered.text()).toContain('✓ Ready')
    expect(givenTo('image-foreign', open)).toEqual([await sumOf(open, link)])
  })
})
