import { describe, expect, test } from 'vitest'
import { createPrices, type PricedPicture, parsePrices } from './prices.ts'

const picture = (width = 1024, height = 1024, quality?: string): PricedPicture => ({ width, height, quality })
const prices = createPrices()

describe('what the upstream says is trusted over the table', () => {
  test('ticks of xAI and dollars of OpenRouter', () => {
    const ticks = { cost_in_usd_ticks: 200_000_000 }
    expect(prices.costOf({ model: 'grok-imagine', pictures: [picture()], usage: ticks })).toEqual({
      cost: 20_000,
      unpriced: 0,
    })
    const dollars = { cost: 0.0391, input_tokens: 10, output_tokens: 1290 }
    expect(
      prices.costOf({ model: 'google/gemini-2.5-flash-image', pictures: [picture()], usage: dollars }),
    ).toEqual({ cost: 39_100, unpriced: 0 })
  })
})

describe('the table', () => {
  test.each([
    ['gpt-image-1', picture(1024, 1024, 'high'), 167_000],
    ['gpt-image-1', picture(1536, 1024, 'low'), 16_000],
    ['gpt-image-1-mini', picture(1024, 1024, 'low'), 5000],
    ['gpt-image-1.5-2025-12-16', picture(1024, 1536, 'medium'), 50_000],
    ['openai/dall-e-3', picture(1792, 1024, 'hd'), 120_000],
    ['dall-e-2', picture(512, 512), 18_000],
    ['imagen-4.0-generate-001', picture(), 40_000],
    ['imagen-4.0-fast-generate-001', picture(), 20_000],
    ['gemini-3-pro-image-preview', picture(2048, 2048), 134_000],
    ['gemini-3-pro-image-preview', picture(4096, 4096), 240_000],
  ])('%s %o', (model, one, cost) => {
    expect(prices.costOf({ model, pictures: [one, one], usage: undefined })).toEqual({
      cost: 2 * cost,
      unpriced: 0,
    })
  })

  test('tokens go before pictures, those of input pictures by their own price', () => {
    const usage = {
      input_tokens: 1100,
      output_tokens: 1056,
      input_tokens_details: { text_tokens: 100, image_tokens: 1000 },
    }
    expect(prices.costOf({ model: 'gpt-image-1', pictures: [picture()], usage })).toEqual({
      cost: 500 + 10_000 + 42_240,
      unpriced: 0,
    })
  })

  test('what it does not know is counted as unknown, never as free', () => {
    for (const [model, one] of [
      ['no-such-model', picture()],
      ['gpt-image-1', picture(1024, 1024, 'auto')],
      ['gpt-image-10', picture(1024, 1024, 'low')],
      ['dall-e-2', picture(4096, 4096)],
    ] as const) {
      expect(prices.costOf({ model, pictures: [one, one], usage: undefined })).toEqual({
        cost: 0,
        unpriced: 2,
      })
    }
    expect(prices.costOf({ model: 'gpt-4o', pictures: [], usage: { input_tokens: 9 } })).toEqual({
      cost: 0,
      unpriced: 1,
    })
  })
})

describe('prices of an operator', () => {
  test('come before the others', () => {
    const own = parsePrices(
      '[{"model":"gpt-image-1","pictures":[{"usd":0.5}]},{"model":"gpt-4*","tokens":{"input":1,"output":2}}]',
    )
    const { costOf } = createPrices(own)
    const tokens = { input_tokens: 1000, output_tokens: 500 }
    expect(costOf({ model: 'gpt-image-1', pictures: [picture()], usage: tokens })).toEqual({
      cost: 500_000,
      unpriced: 0,
    })
    expect(costOf({ model: 'gpt-4o', pictures: [], usage: tokens })).toEqual({ cost: 2000, unpriced: 0 })
    expect(costOf({ model: 'dall-e-2', pictures: [picture(256, 256)], usage: undefined }).cost).toBe(16_000)
  })

  test.each([
    ['not json', /JSON/],
    ['{}', /array/],
    ['[{"model":"x","tokens":{"input":-1,"output":2}}]', /input/],
    ['[{"model":"x","picture":[]}]', /\/0\/picture/],
  ])('%s is refused with what is wrong', (text, message) => {
    expect(() => parsePrices(text)).toThrow(message)
  })
})
