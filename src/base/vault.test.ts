import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createVault } from './vault.ts'

const vault = createVault(randomBytes(32))

test.each(['', 'sk-secret', '密钥 🦊', 'x'.repeat(100_000)])('what is sealed opens again (%#)', (text) => {
  const sealed = vault.seal(text, 'task 1')
  expect(vault.open(sealed, 'task 1')).toBe(text)
  if (text !== '') expect(sealed).not.toContain(text)
  expect(vault.seal(text, 'task 1')).not.toBe(sealed)
})

test('it opens neither elsewhere, nor changed, nor with another key', () => {
  const sealed = vault.seal('sk-secret', 'task 1')
  const changed = sealed.slice(0, -2) + (sealed.endsWith('AA') ? 'BB' : 'AA')
  expect(() => vault.open(sealed, 'task 2')).toThrow()
  expect(() => vault.open(changed, 'task 1')).toThrow()
  expect(() => vault.open(sealed.slice(0, 20), 'task 1')).toThrow()
  expect(() => vault.open('sk-secret', 'task 1')).toThrow('unknown form')
  expect(() => createVault(randomBytes(32)).open(sealed, 'task 1')).toThrow()
})
