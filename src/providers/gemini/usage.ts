import { fieldsOf } from '../read-reply.ts'

/** Google's `usageMetadata` in the names of OpenAI's images API; undefined where nothing was counted. */
export function usageOf(metadata: unknown): Readonly<Record<string, unknown>> | undefined {
  const fields = fieldsOf(metadata)
  const count = (name: string): number | undefined => {
    const value = fields[name] ?? fields[snakeCased(name)]
    return typeof value === 'number' ? value : undefined
  }
  const prompt = count('promptTokenCount')
  const drawn = count('candidatesTokenCount')
  if (prompt === undefined && drawn === undefined && count('totalTokenCount') === undefined) return undefined
  const thoughts = count('thoughtsTokenCount')
  const input = (prompt ?? 0) + (count('toolUsePromptTokenCount') ?? 0)
  const output = (drawn ?? 0) + (thoughts ?? 0)
  const inputDetails = {
    ...byModality(fields, 'promptTokensDetails'),
    ...named('cached_tokens', count('cachedContentTokenCount')),
  }
  const outputDetails = {
    ...byModality(fields, 'candidatesTokensDetails'),
    ...named('reasoning_tokens', thoughts),
  }
  return {
    input_tokens: input,
    output_tokens: output,
    total_tokens: count('totalTokenCount') ?? input + output,
    ...(Object.keys(inputDetails).length === 0 ? {} : { input_tokens_details: inputDetails }),
    ...(Object.keys(outputDetails).length === 0 ? {} : { output_tokens_details: outputDetails }),
  }
}

function byModality(fields: Readonly<Record<string, unknown>>, name: string): Record<string, number> {
  const list = fields[name] ?? fields[snakeCased(name)]
  const counts: Record<string, number> = {}
  for (const entry of Array.isArray(list) ? list : []) {
    const { modality, tokenCount, token_count: snake } = fieldsOf(entry)
    const tokens = tokenCount ?? snake
    if (typeof modality !== 'string' || typeof tokens !== 'number') continue
    const key = `${modality.toLowerCase()}_tokens`
    counts[key] = (counts[key] ?? 0) + tokens
  }
  return counts
}

function named(name: string, value: number | undefined): Record<string, number> {
  return value === undefined ? {} : { [name]: value }
}

function snakeCased(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
