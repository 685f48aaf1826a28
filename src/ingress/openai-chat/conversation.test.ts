import { expect, test } from 'vitest'
import { Spooled, SpooledText } from '../../bytes/spooled.ts'
import { readConversation } from './conversation.ts'
import { wantsNewPicture } from './new-picture.ts'

const id = (letter: string) => `01890000-0000-7000-8000-00000000000${letter}`
const link = (letter: string) => `https://pictor.example/images/${id(letter)}`
const own = (letter: string) => ({ kind: 'own', id: id(letter) })
const drew = (...letters: string[]) => ({
  role: 'assistant',
  content: letters.map((letter) => `![image](${link(letter)})`).join('\n\n'),
})
const user = (content: unknown) => ({ role: 'user', content })
const text = (text: unknown) => ({ type: 'text', text })
const part = (url: unknown) => ({ type: 'image_url', image_url: { url } })

const DATA = 'data:image/png;base64,iVBORw0KGgo='
const file = new Spooled({
  path: '/tmp/1',
  sha256: 'aa',
  bytes: 40_000,
  mime: 'image/png',
  width: 8,
  height: 8,
  prefix: 'data:image/png;base64,',
})
const document = new Spooled({ ...file, mime: undefined, prefix: 'data:application/pdf;base64,' })

const read = (...messages: unknown[]) => {
  const { prompt, references } = readConversation(messages)
  return { prompt, references }
}

test('the prompt is the last text of the user, in every form that clients write it', () => {
  const expected = { prompt: 'a red fox', references: [] }
  expect(read(user('a red fox'))).toEqual(expected)
  expect(read({ role: 'system', content: 'Be brief.' }, user('a cat'), drew(), user('a red fox'))).toEqual(
    expected,
  )
  expect(read(user([text('a red fox')]))).toEqual(expected)
  expect(read(user([{ type: 'input_text', text: 'a red fox' }]))).toEqual(expected)
  expect(read(user(['a red fox']))).toEqual(expected)
  expect(read({ content: 'a red fox' })).toEqual(expected)
  expect(read(user([text('a red'), text('fox')]))).toEqual({ prompt: 'a red\nfox', references: [] })
  expect(read(user('a red fox'), { role: 'system', content: 'Stay safe.' })).toEqual(expected)
})

test('what holds no user, or nothing that can be read, is an empty request', () => {
  const empty = { prompt: '', references: [] }
  expect(read({ role: 'system', content: 'draw' })).toEqual(empty)
  expect(read(user(null), user(7), user([null, 3, {}, { type: 'text' }, { type: 'image_url' }]))).toEqual(
    empty,
  )
  expect(read(user([part('')]))).toEqual(empty)
})

test('pictures of the last message are the references, in order, in every form', () => {
  const expected = [own('a'), { kind: 'picture', picture: DATA }, { kind: 'foreign', url: 'https://x.org/c' }]
  const { prompt, references } = read(
    drew('f'),
    user([
      { type: 'image_url', image_url: link('a') },
      text('put them together'),
      { type: 'input_image', image_url: DATA },
      part('https://x.org/c'),
      part(`${link('a')}/thumbnail`),
      { type: 'image', image: { base64: 'iVBORw0KGgo=' } },
      { type: 'image', source: { type: 'base64', data: file } },
    ]),
  )
  expect(prompt).toBe('put them together')
  expect(references).toEqual([
    ...expected,
    { kind: 'picture', picture: 'iVBORw0KGgo=' },
    { kind: 'picture', picture: file },
  ])
})

test('pictures in a text are taken out of the prompt with the markdown around them', () => {
  const asked = { prompt: 'make it red', references: [own('a')] }
  expect(read(user(`![image](${link('a')}) make it red`))).toEqual(asked)
  expect(read(user(`make it red\n\n![a fox](${link('a')}.png "a fox")\n`))).toEqual(asked)
  expect(read(user(`<img width=3 src="${link('a')}?format=webp" alt="x"> make it red`))).toEqual(asked)
  expect(read(user(`make ${link('a')} it red`))).toEqual(asked)
  expect(read(user(`[make](${link('a')}) it red`))).toEqual(asked)
  expect(read(user(`make it ![x](${DATA}) red`))).toEqual({
    prompt: 'make it red',
    references: [{ kind: 'picture', picture: DATA }],
  })
})

test('long data URLs, which lie in files by now, are taken out alike', () => {
  const sent = [{ kind: 'picture', picture: file }]
  const markdown = new SpooledText(['![image](', file, ') make it ', document, 'red'])
  expect(read(user(markdown))).toEqual({ prompt: 'make it red', references: sent })
  expect(read(user([text(markdown)]))).toEqual({ prompt: 'make it red', references: sent })
  expect(read(user(file))).toEqual({ prompt: '', references: sent })
})

test('links to other sites are words, named apart when they look like pictures', () => {
  const prompt =
    'like ![cat](https://x.org/cat.png) and https://x.org/dog.webp?size=2, see https://x.org/page'
  expect(readConversation([user(prompt)])).toEqual({
    prompt,
    references: [],
    links: ['https://x.org/cat.png', 'https://x.org/dog.webp?size=2'],
  })
})

test('without pictures of its own, a message speaks of the latest answer that has some', () => {
  const messages = [user('a cat'), drew('a', 'b'), user('a dog'), drew('c', 'd'), user('hi'), drew()]
  expect(read(...messages, user('make it white'))).toEqual({
    prompt: 'make it white',
    references: [own('c'), own('d')],
  })
  const parts = { role: 'assistant', content: [text('Here'), part(link('a'))] }
  expect(read(user('a cat'), parts, user('white')).references).toEqual([own('a')])
  const images = { role: 'assistant', content: 'Here', images: [part(link('a'))] }
  expect(read(user('a cat'), images, user('white')).references).toEqual([own('a')])
  const tool = { role: 'tool', content: JSON.stringify({ url: link('a') }) }
  expect(read(user('a cat'), tool, user('white')).references).toEqual([own('a')])
  const call = {
    function: { name: 'edit', arguments: JSON.stringify({ prompt: 'x', image_urls: [link('b')] }) },
  }
  const called = { role: 'assistant', content: null, tool_calls: [call] }
  expect(read(user('a cat'), called, user('white'))).toMatchObject({
    prompt: 'white',
    references: [own('b')],
  })
  expect(read(user('a cat'), called, tool, user('white')).references).toEqual([own('a')])
})

test('an uploaded picture is drawn from again while no answer has one', () => {
  const upload = user([text('make it blue'), part(file)])
  const sent = [{ kind: 'picture', picture: file }]
  const failed = { role: 'assistant', content: 'No picture: it took too long' }
  expect(read(upload, failed, user('again')).references).toEqual(sent)
  expect(read(upload, drew('a'), user('again')).references).toEqual([own('a')])
  expect(read(drew('a'), upload, failed, user('again')).references).toEqual([own('a')])
  expect(read(user([part(file)]), user('make it blue'))).toEqual({ prompt: 'make it blue', references: sent })
})

test('thumbnails in our own progress are not what was drawn', () => {
  const progress = `### 图片创作\n\n![参考图 1](${link('a')}/thumbnail)\n\n`
  const drawn = { role: 'assistant', content: `${progress}![image](${link('b')})` }
  expect(read(user('x'), drawn, user('redder')).references).toEqual([own('b')])
  const failed = { role: 'assistant', content: `${progress}**没有画成**` }
  expect(read(drew('a'), user('x'), failed, user('redder')).references).toEqual([own('a')])
})

test('a new picture inherits nothing, but takes what came with it', () => {
  const messages = [user([text('a cat'), part(file)]), drew('a')]
  expect(read(...messages, user('重新画一只狗')).references).toEqual([])
  expect(read(...messages, user([text('new image: a dog like this'), part(link('b'))])).references).toEqual([
    own('b'),
  ])
})

test('no more than sixteen references', () => {
  const parts = Array.from({ length: 20 }, (_, index) => part(`https://x.org/${index}`))
  const { references } = read(user([text('all'), ...parts]))
  expect(references).toHaveLength(16)
  expect(references[15]).toEqual({ kind: 'foreign', url: 'https://x.org/15' })
})

test.each(
  `
  重新画 | 请重画一张 | 重新绘制一只猫 | 重新生成一张 | 新画一张 | 另画一幅 | 另外再画一只狗
  再画一张新的 | 来一张新的 | 换一张新图 | 画一幅全新的画 | 从头开始 | 從零開始 | 不要参考上一张图，画只狗
  忽略之前的图片 | 重新畫一張 | new image | A brand new picture, please | draw a new one | Start over
  from scratch: a dog | a completely different picture | ignore the previous images
  make a fresh image without using the last image
  `
    .split(/[|\n]/)
    .map((words) => words.trim())
    .filter((words) => words !== ''),
)('%s asks for a new picture', (words) => {
  expect(wantsNewPicture(words)).toBe(true)
})

test.each(
  `
  把背景换成新的 | 再亮一点 | 换一张新的脸 | 给它一个新背景 | 局部重绘左边 | 画面再亮一些 | 继续
  加一顶新帽子 | make it white | give it a new background | hang a new picture frame on the wall
  renew images | another hat | start with the hat | use the previous image | use the same picture again
  scratch the paint
  `
    .split(/[|\n]/)
    .map((words) => words.trim())
    .filter((words) => words !== ''),
)('%s goes on with the picture', (words) => {
  expect(wantsNewPicture(words)).toBe(false)
})
