import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeOwner, encodeWord } from './encode.ts'
import { anyText } from './testing.ts'
import { indexedWords, searchedWords } from './words.ts'

describe('words of a query', () => {
  test.each([
    ['油画女孩', ['油画', '女孩']],
    ['写实绘画创作', ['写实', '绘画', '创作']],
    ['油画vlog', ['油画', 'vlog']],
    ['油画ＶＬＯＧ２', ['油画', 'vlog2']],
    ['beautiful girl', ['beautiful', 'girl']],
    ['Cat cat  CAT', ['cat']],
    ['"best-quality", (8k:1.2) don’t_stop', ['best', 'quality', '8k', '1', '2', 'don', 't', 'stop']],
    ['Café naïve İzmir Øre Straße', ['cafe', 'naive', 'izmir', 'øre', 'straße']],
    ['ΣΊΣΥΦΟΣ', ['σίσυφοσ']],
    ['2024年的猫', ['2024', '年', '的', '猫']],
    ['小明𠮷㐀', ['小', '明', '𠮷', '㐀']],
    ['少女の絵', ['少女', 'の', '絵']],
    ['ｶﾒﾗﾏﾝ', ['カメラマン']],
    ['고양이 vlog을', ['고양이', 'vlog', '을']],
    ['แมวน่ารัก', ['แมว', 'น่า', 'รัก']],
    ['नमस्ते', ['नमस्ते']],
    ['🦊🐻 ❤️', ['🦊', '🐻']],
    [' \t\n\0\udfff\ud800!?。、…*"-()', []],
    ['', []],
  ])('%s', async (query, words) => {
    expect(await searchedWords(query)).toEqual(words)
  })

  test('are at most 100, and those of the first 32,000 characters', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `word${index}`)
    expect(await searchedWords(many.join(' '))).toEqual(many.slice(0, 100))
    expect(await searchedWords(`${' '.repeat(32_000)}late`)).toEqual([])
  })
})

describe('words of a text', () => {
  test('any part of a run of Han characters finds it, wherever the cuts fall', async () => {
    const han = fc.string({
      unit: fc.constantFrom(...'南京市长江大桥中华人民共和国美少女战士𠮷㐀々〇'),
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(han, fc.nat(20), fc.nat(20), async (text, start, end) => {
        const part = [...text].slice(start, end).join('')
        expect(await indexedWords(text)).toEqual(expect.arrayContaining(await searchedWords(part)))
      }),
      { numRuns: 300 },
    )
  })

  test('any text has words that it is found by, as a whole and each alone', async () => {
    await fc.assert(
      fc.asyncProperty(anyText(), async (text) => {
        const indexed = new Set(await indexedWords(text))
        const words = await searchedWords(text)
        const alone = await Promise.all(words.map(searchedWords))
        expect([...words, ...alone.flat()].filter((word) => !indexed.has(word))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})

describe('tokens', () => {
  test('are letters and digits that every index keeps, and tell words apart', () => {
    const word = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.stringMatching(/^[a-z0-9]{1,99}$/))
    fc.assert(
      fc.property(word, word, (one, other) => {
        expect(encodeWord(one)).toMatch(/^zz[a-z0-9]{2,78}$/)
        expect(encodeWord(one) === encodeWord(other)).toBe(one === other)
        expect(encodeOwner(one)).not.toBe(encodeWord(other))
      }),
    )
  })

  test('a word of any length', () => {
    expect(encodeWord('x'.repeat(32_000))).toHaveLength(35)
    expect(encodeWord('x'.repeat(32_000))).not.toBe(encodeWord('x'.repeat(31_999)))
  })
})
