import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { type PicturePrice, PRICE_LIST, type Price } from './price-list.ts'

/** A picture as its price needs it. Pixels; quality as the upstream names it. */
export interface PricedPicture {
  width: number
  height: number
  quality: string | undefined
}

/** What was had of one model of one upstream. */
export interface Purchase {
  /** The upstream's own name of the model. */
  model: string
  pictures: readonly PricedPicture[]
  /** What the upstream counted, in the names of OpenAI's images API. */
  usage: Readonly<Record<string, unknown>> | undefined
}

/** What is known of the cost of a purchase. */
export interface Cost {
  /** In millionths of a US dollar. */
  cost: number
  /** Pictures whose price is not known; where there are none, 1 for the answer as a whole. */
  unpriced: number
}

export interface Prices {
  costOf(purchase: Purchase): Cost
}

/** @param own an operator's prices, which come before those of the list */
export function createPrices(own: readonly Price[] = []): Prices {
  const list = [...own, ...PRICE_LIST].map((price) => ({ ...price, fits: patternOf(price.model) }))
  return {
    costOf: (purchase) => {
      const stated = statedCost(purchase.usage)
      if (stated !== undefined) return { cost: micro(stated), unpriced: 0 }
      const name = purchase.model.replace(/^.*\//, '')
      const price = list.find(({ fits }) => fits.test(name))
      const byTokens = price?.tokens && tokenCost(price.tokens, purchase.usage)
      if (byTokens !== undefined) return { cost: micro(byTokens), unpriced: 0 }
      return purchase.pictures.length === 0 ? { cost: 0, unpriced: 1 } : sumUp(purchase.pictures, price)
    },
  }
}

const Dollars = Type.Number({ minimum: 0 })

const PriceFile = Type.Array(
  Type.Object(
    {
      model: Type.String({ minLength: 1 }),
      tokens: Type.Optional(
        Type.Object(
          { input: Dollars, imageInput: Type.Optional(Dollars), output: Dollars },
          { additionalProperties: false },
        ),
      ),
      pictures: Type.Optional(
        Type.Array(
          Type.Object(
            {
              usd: Dollars,
              quality: Type.Optional(Type.String()),
              shape: Type.Optional(Type.Enum(['square', 'oblong'])),
              side: Type.Optional(Type.Number({ minimum: 1 })),
            },
            { additionalProperties: false },
          ),
        ),
      ),
    },
    { additionalProperties: false },
  ),
)

/** Reads the text of an operator's price file. @throws Error that says what is wrong with it */
export function parsePrices(text: string): Price[] {
  const value: unknown = JSON.parse(text)
  if (Value.Check(PriceFile, value)) return value
  const [problem] = Value.Errors(PriceFile, value)
  throw new Error(`${problem?.instancePath || 'the list'} ${problem?.message ?? 'is wrong'}`)
}

function patternOf(model: string): RegExp {
  const literal = model.split('*').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`))
  return new RegExp(`^${literal.join('.*')}$`)
}

/**
 * What the upstream itself says, in US dollars: OpenRouter's `cost`, xAI's `cost_in_usd_ticks` (10¹⁰ of them are a dollar).
 * It knows better than any table.
 */
function statedCost(usage: Purchase['usage']): number | undefined {
  const ticks = numberOf(usage?.cost_in_usd_ticks)
  return ticks === undefined ? numberOf(usage?.cost) : ticks / 1e10
}

function tokenCost(
  { input, imageInput = input, output }: NonNullable<Price['tokens']>,
  usage: Purchase['usage'],
): number | undefined {
  const [given, drawn] = [numberOf(usage?.input_tokens), numberOf(usage?.output_tokens)]
  if (given === undefined || drawn === undefined || drawn === 0) return undefined
  const details = usage?.input_tokens_details as Record<string, unknown> | undefined
  const pictures = Math.min(given, numberOf(details?.image_tokens) ?? 0)
  return ((given - pictures) * input + pictures * imageInput + drawn * output) / 1e6
}

function sumUp(pictures: readonly PricedPicture[], price: Price | undefined): Cost {
  let sum: Cost = { cost: 0, unpriced: 0 }
  for (const picture of pictures) {
    const fitting = price?.pictures?.find((one) => fits(one, picture))
    sum = fitting ? { ...sum, cost: sum.cost + micro(fitting.usd) } : { ...sum, unpriced: sum.unpriced + 1 }
  }
  return sum
}

function fits({ quality, shape, side }: PicturePrice, picture: PricedPicture): boolean {
  if (quality !== undefined && quality !== picture.quality) return false
  if (shape !== undefined && (shape === 'square') !== (picture.width === picture.height)) return false
  return side === undefined || Math.max(picture.width, picture.height) <= side
}

const micro = (dollars: number): number => Math.round(dollars * 1e6)

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
