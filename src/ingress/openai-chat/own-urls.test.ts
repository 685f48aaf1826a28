import { expect, test } from 'vitest'
import { Spooled, SpooledText } from '../../bytes/spooled.ts'
import { findOwnUrls, ownIdsIn } from './own-urls.ts'

const A = '01890000-0000-7000-8000-00000000000a'
const B = '01890000-0000-7000-9000-00000000000b'

const found = (text: string) => findOwnUrls(text).map(({ start, end }) => text.slice(start, end))

test.each([
  ['alone', `https://pictor.example/images/${A}`],
  ['with a port and a path before', `http://192.168.1.2:5643/tools/pictor/images/${A}`],
  ['at an IPv6 address', `http://[::1]:5643/images/${A}`],
  ['under a name of earlier times', `https://old-name.example.org/images/${A}.png`],
  ['relative', `/images/${A}`],
  ['relative below a path', `/pictor/images/${A}`],
  ['without a scheme', `//pictor.example/images/${A}`],
  ['as a thumbnail', `https://pictor.example/images/${A}/thumbnail?size=1280`],
  ['in another format', `https://pictor.example/images/${A}?format=webp`],
  ['signed, in HTML', `https://pictor.example/images/${A}?expires=12&amp;signature=ab-c_d`],
  ['in capitals', `HTTPS://PICTOR.EXAMPLE/images/${A.toUpperCase()}`],
  ['escaped', `https:\\/\\/pictor.example\\/images\\/${A}\\/thumbnail`],
])('a link %s is found whole, whatever stands around it', (_name, url) => {
  for (const text of [
    url,
    `看${url}。`,
    `![image](${url} "a fox")`,
    `<img src="${url}">`,
    `see ${url}. Then`,
  ]) {
    expect(found(text)).toEqual([url])
    expect(ownIdsIn(text)).toEqual([A])
  }
})

test.each([
  ['a job', `https://pictor.example/v1/images/jobs/${A}`],
  ['an id that goes on', `https://pictor.example/images/${A}-copy`],
  ['an id that is none of ours', 'https://pictor.example/images/f47ac10b-58cc-4372-a567-0e02b2c3d479'],
  ['another folder', `https://pictor.example/my-images/${A}`],
  ['the bare id', A],
])('%s is no link to a picture', (_name, text) => {
  expect(found(text)).toEqual([])
})

test('ids are found in every place, in order, each once', () => {
  const file = new Spooled({ path: '/x', sha256: '', bytes: 0, mime: 'image/png', width: 1, height: 1 })
  const args = JSON.stringify({ image_urls: [`https://pictor.example/images/${B}`] }).replaceAll('/', '\\/')
  const messages = [
    { role: 'user', content: new SpooledText([`/images/${A} `, file, ` /images/${A}`]) },
    { role: 'assistant', content: null, tool_calls: [{ function: { name: 'edit', arguments: args } }] },
    { role: 'user', content: [{ type: 'image_url', image_url: { url: `/images/${A}/thumbnail` } }] },
  ]
  expect(ownIdsIn(messages)).toEqual([A, B])
  expect(ownIdsIn(messages.toReversed())).toEqual([A, B])
  expect(ownIdsIn([messages[1], messages[0]])).toEqual([B, A])
})

test('a deep value and a long text are searched without trouble', () => {
  let deep: unknown = `/images/${A}`
  for (let level = 0; level < 50_000; level++) deep = [deep]
  expect(ownIdsIn(deep)).toEqual([A])
  expect(ownIdsIn(`${'https:/'.repeat(50_000)} ${`/images/${B} `.repeat(20_000)}`)).toEqual([B])
})
