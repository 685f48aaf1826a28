/** Tokens in the words of the chat API; undefined where the upstream counted none. The images API says `input_tokens`. */
export function chatUsage(
  usage: Readonly<Record<string, unknown>> | undefined,
): Record<string, number> | undefined {
  const prompt = numberOf(usage?.prompt_tokens ?? usage?.input_tokens)
  const completion = numberOf(usage?.completion_tokens ?? usage?.output_tokens)
  const total = numberOf(usage?.total_tokens)
  if (prompt === undefined && completion === undefined && total === undefined) return undefined
  return {
    prompt_tokens: prompt ?? 0,
    completion_tokens: completion ?? 0,
    total_tokens: total ?? (prompt ?? 0) + (completion ?? 0),
  }
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
