import { failure } from './gemini-failures.ts'
import type { Reply } from './openai-reply.ts'

/** What Google refuses of a body; undefined where it would draw. */
export function refusalOf(model: string, body: Readonly<Record<string, unknown>>): Reply | undefined {
  const contents = listOf(body.contents)
  if (contents.length === 0) return invalid('* GenerateContentRequest.contents: contents is not specified\n')
  const config = fieldsOf(body.generationConfig ?? body.generation_config)
  return unsigned(model, contents) ?? badConfig(config) ?? badImageConfig(model, fieldsOf(config.imageConfig))
}

/** Whether pictures were asked for; else the model only writes. */
export function wantsPictures(body: Readonly<Record<string, unknown>>): boolean {
  const { responseModalities } = fieldsOf(body.generationConfig)
  return listOf(responseModalities).some((modality) => /^image$/i.test(String(modality)))
}

/** Gemini 3 wants back what it gave with each picture of its own. */
function unsigned(model: string, contents: readonly unknown[]): Reply | undefined {
  if (!/^gemini-3/.test(model)) return undefined
  for (const [position, content] of contents.entries()) {
    const { role, parts } = fieldsOf(content)
    if (role !== 'model') continue
    for (const [index, part] of listOf(parts).entries()) {
      const {
        inlineData,
        inline_data: inline = inlineData,
        thoughtSignature,
        thought_signature,
      } = fieldsOf(part)
      if (inline === undefined || (thoughtSignature ?? thought_signature) !== undefined) continue
      return invalid(
        `Image part is missing a thought_signature in content position ${position + 1}, part position ${index + 1}.`,
      )
    }
  }
  return undefined
}

const CONFIG = new Set([
  ...['responseModalities', 'imageConfig', 'seed', 'temperature', 'topP', 'topK', 'maxOutputTokens'],
  ...[
    'candidateCount',
    'stopSequences',
    'presencePenalty',
    'frequencyPenalty',
    'thinkingConfig',
    'mediaResolution',
  ],
])

function badConfig(config: Readonly<Record<string, unknown>>): Reply | undefined {
  const unknown = Object.keys(config).find((name) => !CONFIG.has(name))
  if (unknown !== undefined)
    return invalid(
      `Invalid JSON payload received. Unknown name "${unknown}" at 'generation_config': Cannot find field.`,
    )
  return Number(config.candidateCount ?? 1) > 1
    ? invalid('Multiple candidates is not enabled for this model')
    : undefined
}

const RATIOS = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9']
const FLASH_RATIOS = [...RATIOS, '1:4', '4:1', '1:8', '8:1']

function badImageConfig(model: string, config: Readonly<Record<string, unknown>>): Reply | undefined {
  const { aspectRatio, imageSize } = config
  const isFlash = /^gemini-3\.\d+-flash/.test(model)
  if (aspectRatio !== undefined && !(isFlash ? FLASH_RATIOS : RATIOS).includes(String(aspectRatio)))
    return invalid(`Invalid value at 'generation_config.image_config.aspect_ratio': ${String(aspectRatio)}`)
  if (imageSize === undefined) return undefined
  const sizes = isFlash ? ['512', '1K', '2K', '4K'] : /^gemini-3/.test(model) ? ['1K', '2K', '4K'] : []
  return sizes.includes(String(imageSize))
    ? undefined
    : invalid(`Invalid value at 'generation_config.image_config.image_size': ${String(imageSize)}`)
}

function invalid(message: string): Reply {
  return failure(400, 'INVALID_ARGUMENT', message)
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
