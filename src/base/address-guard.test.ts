import { expect, test } from 'vitest'
import { BlockedAddress, checkName, checkUrl, guardedLookup, isPublicAddress } from './address-guard.ts'

const PUBLIC = [
  '8.8.8.8',
  '1.1.1.1',
  '203.0.114.1',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:80e::200e',
  '64:ff9b::808:808',
]

const NOT_PUBLIC = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::ffff:0:7f00:1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'fc00::1',
  'fd12:3456::1',
  'ff02::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:808:808::',
  '64:ff9b::7f00:1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::808:808',
  '3fff::1',
  '4000::1',
  'not an address',
  '',
]

test.each(PUBLIC)('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

test.each(NOT_PUBLIC)('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false)
})

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://0x7f.1/',
  'http://127.0.0.1./',
  'http://１２７.0.0.1/',
  'http://[::1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://[64:ff9b::7f00:1]/',
  'ftp://8.8.8.8/',
  'file:///etc/passwd',
  'data:image/png;base64,AAAA',
  'https://user@example.com/',
  'https://user:secret@example.com/',
])('%s is refused by its form', (url) => {
  expect(() => checkUrl(new URL(url), isPublicAddress)).toThrow(BlockedAddress)
})

test.each(['https://example.com/', 'http://8.8.8.8:8080/a?b', 'https://[2606:4700:4700::1111]/'])(
  '%s is left to the look-up',
  (url) => {
    expect(() => checkUrl(new URL(url), isPublicAddress)).not.toThrow()
  },
)

test('a refusal names neither user nor password', () => {
  expect(() => checkUrl(new URL('https://user:secret@example.com/'), isPublicAddress)).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('secret') }),
  )
})

test('a look-up hands over only what is allowed', async () => {
  expect(await look('localhost', () => true)).toContain('127.0.0.1')
  await expect(look('localhost', isPublicAddress)).rejects.toThrow(BlockedAddress)
  expect(await look('localhost', (address) => address === '127.0.0.1')).toEqual(['127.0.0.1'])
})

test('a look-up for one address gives the first that is allowed', async () => {
  const lookup = guardedLookup((address) => address === '127.0.0.1')
  const found = await new Promise((resolve) => {
    lookup('localhost', { all: false }, (_error, address, family) => resolve({ address, family }))
  })
  expect(found).toEqual({ address: '127.0.0.1', family: 4 })
})

test('a look-up that fails says so', async () => {
  await expect(look('does-not-exist.invalid', () => true)).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/)
})

test('a name for a proxy is refused when it is known to be private', async () => {
  await expect(checkName('localhost', () => true)).rejects.toThrow(BlockedAddress)
  await expect(checkName('a.localhost', () => true)).rejects.toThrow(BlockedAddress)
  await expect(checkName('does-not-exist.invalid', isPublicAddress)).resolves.toBeUndefined()
})

function look(hostname: string, isAllowed: (address: string) => boolean): Promise<string[]> {
  return new Promise((resolve, reject) => {
    guardedLookup(isAllowed)(hostname, { all: true }, (error, found) => {
      if (error !== null) reject(error)
      else resolve(Array.isArray(found) ? found.map(({ address }) => address) : [found])
    })
  })
}
