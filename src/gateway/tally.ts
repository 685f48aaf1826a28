import type { StoredImage } from '../../contract/image.ts'
import type { PricedPicture } from '../access/prices.ts'

/** Who was asked: a provider, and the name that it has for the model. */
export interface Asked {
  provider: string
  model: string
}

/** What one of those who were asked for a task brought. */
export interface Drawn extends Asked {
  pictures: readonly PricedPicture[]
  /** As the upstream counted it, added up over its calls. */
  usage: Readonly<Record<string, unknown>> | undefined
}

/** Keeps apart what each of those who were asked has brought, since each has its price. */
export interface Tally {
  asked(who: Asked): void
  picture(who: Asked, picture: PricedPicture): void
  usage(who: Asked, usage: Readonly<Record<string, unknown>>): void
  /** In the order in which they were asked. */
  drawn(): Drawn[]
  /** The count of all of them together. */
  total(): Readonly<Record<string, unknown>> | undefined
}

export function createTally(): Tally {
  const entries = new Map<string, Drawn>()
  const change = (who: Asked, more: (entry: Drawn) => Partial<Drawn>) => {
    const key = `${who.provider}\n${who.model}`
    const entry = entries.get(key) ?? { ...who, pictures: [], usage: undefined }
    entries.set(key, { ...entry, ...more(entry) })
  }
  return {
    asked: (who) => change(who, () => ({})),
    picture: (who, picture) => change(who, ({ pictures }) => ({ pictures: [...pictures, picture] })),
    usage: (who, more) => change(who, ({ usage }) => ({ usage: addUp(usage, more) })),
    drawn: () => [...entries.values()],
    total: () =>
      [...entries.values()].reduce<Readonly<Record<string, unknown>> | undefined>(
        (sum, { usage }) => (usage ? addUp(sum, usage) : sum),
        undefined,
      ),
  }
}

/** A kept picture as its price needs it. */
export const toPriced = ({ width, height, details }: StoredImage): PricedPicture => ({
  width,
  height,
  quality: typeof details.quality === 'string' ? details.quality : undefined,
})

/** The tokens of a count; 0 where there is none. */
export const tokensOf = (usage: Drawn['usage']): { inputTokens: number; outputTokens: number } => ({
  inputTokens: numberOf(usage?.input_tokens),
  outputTokens: numberOf(usage?.output_tokens),
})

const numberOf = (value: unknown): number => (typeof value === 'number' && value > 0 ? Math.round(value) : 0)

/** Adds token counts up over several calls, field by field; what is no number keeps its last value. */
function addUp(sum: Readonly<Record<string, unknown>> | undefined, more: Readonly<Record<string, unknown>>) {
  const total: Record<string, unknown> = { ...sum }
  for (const [key, value] of Object.entries(more)) {
    const before = total[key]
    if (typeof value === 'number' && typeof before === 'number') total[key] = before + value
    else if (isRecord(value)) total[key] = addUp(isRecord(before) ? before : undefined, value)
    else total[key] = value
  }
  return total
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
