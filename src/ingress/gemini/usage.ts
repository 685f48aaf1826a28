/** Token counts in Google's names, from those that the gateway keeps (OpenAI's, of either API); 0 where none was counted. */
export function toUsageMetadata(usage: Readonly<Record<string, unknown>> = {}) {
  const input = numberIn(usage, 'input_tokens') ?? numberIn(usage, 'prompt_tokens') ?? 0
  const output = numberIn(usage, 'output_tokens') ?? numberIn(usage, 'completion_tokens') ?? 0
  const inputDetails = recordIn(usage, 'input_tokens_details') ?? recordIn(usage, 'prompt_tokens_details')
  const outputDetails =
    recordIn(usage, 'output_tokens_details') ?? recordIn(usage, 'completion_tokens_details')
  const thoughts = outputDetails && numberIn(outputDetails, 'reasoning_tokens')
  return {
    promptTokenCount: input,
    candidatesTokenCount: Math.max(0, output - (thoughts ?? 0)),
    totalTokenCount: numberIn(usage, 'total_tokens') ?? input + output,
    ...(thoughts ? { thoughtsTokenCount: thoughts } : {}),
    ...byModality('promptTokensDetails', inputDetails),
    ...byModality('candidatesTokensDetails', outputDetails),
  }
}

function byModality(name: string, details: Readonly<Record<string, unknown>> | undefined) {
  const counts = ['TEXT', 'IMAGE'].flatMap((modality) => {
    const tokenCount = details && numberIn(details, `${modality.toLowerCase()}_tokens`)
    return tokenCount ? [{ modality, tokenCount }] : []
  })
  return counts.length > 0 ? { [name]: counts } : {}
}

function numberIn(fields: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = fields[name]
  return typeof value === 'number' ? value : undefined
}

function recordIn(
  fields: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> | undefined {
  const value = fields[name]
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}
