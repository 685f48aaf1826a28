import { randomInt } from 'node:crypto'
import type { Sharp } from 'sharp'
import { ASPECT_RATIOS, MAX_INPUT_IMAGES, OUTPUT_FORMATS } from '../../../contract/job.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import type { Call, CallContext, Capabilities, ImageEvent, Provider } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import type { Painting } from './paint.ts'
import { MAX_IMAGES, planCalls } from './plan.ts'
import { type DemoRequest, isDemoRequest, MAX_SIDE } from './request.ts'

const MODEL = 'demo'

const MODELS = [{ id: MODEL, created: 0, ownedBy: 'pictor' }]

const CAPABILITIES: Capabilities = {
  kind: 'image',
  draws: true,
  maxImages: MAX_IMAGES,
  maxReferences: MAX_INPUT_IMAGES,
  sizes: { rule: 'free', step: 1, max: MAX_SIDE },
  aspectRatios: ASPECT_RATIOS,
  qualities: [],
  styles: [],
  backgrounds: ['opaque'],
  outputFormats: OUTPUT_FORMATS,
  supports: {
    seed: true,
    mask: true,
    variation: true,
    partialImages: true,
    responseFormat: false,
    outputCompression: true,
    moderation: false,
    inputFidelity: false,
    user: false,
    unknownParameters: false,
  },
  base64Only: false,
}

/**
 * A provider that needs no key and no network: it paints a poster of what the prompt names, and says in the picture
 * that it is a demo. The same prompt, size and seed give the same bytes.
 */
export function createDemoProvider(): Provider {
  return {
    name: 'demo',
    accounts: [{ id: 'demo', secret: '' }],
    models: () => MODELS,
    serves: (model) => model === MODEL,
    capabilities: () => CAPABILITIES,
    plan: planCalls,
    run,
  }
}

async function* run(call: Call, { spool, signal }: CallContext): AsyncGenerator<ImageEvent> {
  const { request } = call
  if (!isDemoRequest(request))
    throw new ProviderError('upstream_bug', { detail: 'not a call of the demo painter' })
  // libvips cannot be stopped in the middle of a picture, so the signal is asked between the steps.
  const write = async (picture: Sharp): Promise<Spooled> => {
    const bytes = await encode(picture, request).toBuffer()
    signal.throwIfAborted()
    const writer = spool.writer()
    await writer.write(bytes)
    return writer.finish()
  }
  signal.throwIfAborted()
  yield { type: 'progress', percent: 0, stage: 'sketching' }
  const seed = request.seed ?? randomInt(2 ** 31)
  const draw = await painter(request)
  for (let index = 0; index < request.images; index++) {
    signal.throwIfAborted()
    const painting = await draw(seed + index)
    for (let partialIndex = 0; partialIndex < request.previews; partialIndex++) {
      const picture = await write(painting.preview((partialIndex + 1) / (request.previews + 1)))
      yield { type: 'partial', index, picture, partialIndex }
    }
    const picture = await write(painting.final())
    yield { type: 'image', index, picture, details: detailsOf(request, seed + index) }
    yield { type: 'progress', percent: Math.round((100 * (index + 1)) / request.images), stage: 'painting' }
  }
}

/** What paints one picture for a seed. Loaded when it is needed: libvips is large, and most servers never paint. */
async function painter(request: DemoRequest): Promise<(seed: number) => Promise<Painting>> {
  if (request.references.length > 0) {
    const { openEdit } = await import('./edit.ts')
    return openEdit(request)
  }
  const { paintSketch } = await import('./paint.ts')
  return async (seed) => paintSketch(request.prompt, seed, request.size)
}

function encode(picture: Sharp, { format, quality }: DemoRequest): Sharp {
  switch (format) {
    case 'png':
      return picture.png({ compressionLevel: 3 })
    case 'jpeg':
      return picture.jpeg({ quality })
    case 'webp':
      return picture.webp({ quality, effort: 2 })
  }
}

function detailsOf({ size, format }: DemoRequest, seed: number): Readonly<Record<string, unknown>> {
  return {
    size: `${size.width}x${size.height}`,
    output_format: format,
    quality: 'demo',
    background: 'opaque',
    seed,
  }
}
