/** What pictures of a model cost. All that is absent is not known. */
export interface Price {
  /** Name of the model at the upstream; `*` stands for anything. A vendor before a slash is not looked at. */
  model: string
  /** US dollars for a million tokens. */
  tokens?: {
    /** Tokens of words; also of pictures where `imageInput` is absent. */
    input: number
    imageInput?: number | undefined
    output: number
  }
  /** US dollars for one picture, where the upstream counted no tokens: the first that fits. */
  pictures?: readonly PicturePrice[]
}

export interface PicturePrice {
  usd: number
  /** As the upstream names it; absent for any. */
  quality?: string | undefined
  shape?: 'square' | 'oblong' | undefined
  /** Longest side in pixels that it is good for; absent for any. */
  side?: number | undefined
}

/** A table by quality: one price for squares, one for what is wider or higher. */
const byQuality = (prices: Record<string, readonly [square: number, oblong: number]>): PicturePrice[] =>
  Object.entries(prices).flatMap(([quality, [square, oblong]]) => [
    { quality, shape: 'square' as const, usd: square },
    { quality, shape: 'oblong' as const, usd: oblong },
  ])

/**
 * Public list prices, the first that fits a name. An operator's own come before them (`PRICES_FILE`). As of March 2026:
 * https://platform.openai.com/docs/pricing, https://ai.google.dev/gemini-api/docs/pricing, https://docs.x.ai/docs/models
 */
export const PRICE_LIST: readonly Price[] = [
  {
    model: 'gpt-image-1.5*',
    tokens: { input: 5, imageInput: 8, output: 32 },
    pictures: byQuality({ low: [0.009, 0.013], medium: [0.034, 0.05], high: [0.133, 0.2] }),
  },
  {
    model: 'chatgpt-image-latest',
    tokens: { input: 5, imageInput: 8, output: 32 },
    pictures: byQuality({ low: [0.009, 0.013], medium: [0.034, 0.05], high: [0.133, 0.2] }),
  },
  {
    model: 'gpt-image-1-mini*',
    tokens: { input: 2, imageInput: 2.5, output: 8 },
    pictures: byQuality({ low: [0.005, 0.006], medium: [0.011, 0.015], high: [0.036, 0.052] }),
  },
  {
    model: 'gpt-image-1',
    tokens: { input: 5, imageInput: 10, output: 40 },
    pictures: byQuality({ low: [0.011, 0.016], medium: [0.042, 0.063], high: [0.167, 0.25] }),
  },
  {
    model: 'dall-e-3',
    pictures: byQuality({ hd: [0.08, 0.12], standard: [0.04, 0.08] }),
  },
  {
    model: 'dall-e-2',
    pictures: [
      { side: 256, usd: 0.016 },
      { side: 512, usd: 0.018 },
      { side: 1024, usd: 0.02 },
    ],
  },
  {
    model: 'gemini-2.5-flash-image*',
    tokens: { input: 0.3, output: 30 },
    pictures: [{ usd: 0.039 }],
  },
  {
    model: 'gemini-3-pro-image*',
    tokens: { input: 2, output: 120 },
    pictures: [{ side: 2900, usd: 0.134 }, { usd: 0.24 }],
  },
  {
    model: 'gemini-3.1-flash-image*',
    pictures: [
      { side: 700, usd: 0.045 },
      { side: 1450, usd: 0.067 },
      { side: 2900, usd: 0.101 },
      { usd: 0.151 },
    ],
  },
  { model: 'imagen-4.0-fast*', pictures: [{ usd: 0.02 }] },
  { model: 'imagen-4.0-ultra*', pictures: [{ usd: 0.06 }] },
  { model: 'imagen-4.0*', pictures: [{ usd: 0.04 }] },
  { model: 'imagen-3.0*', pictures: [{ usd: 0.03 }] },
  // The built-in painter.
  { model: 'demo', pictures: [{ usd: 0 }] },
]
