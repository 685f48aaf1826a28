import type { Warning } from '../../../contract/job.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import type { Call, CallContext, Capabilities, ImageEvent, Plan, PlanRequest, Provider } from '../provider.ts'
import { enlargedSize, isLarger, type Sides } from './enlarged-size.ts'
import { RESIZED } from './resizer.ts'

/** A model's call, and what to do when its picture is no larger. */
interface UpscaleRequest {
  asked: Call
  original: Spooled
  instead: Call
}

/**
 * A provider that is asked for larger pictures. A model that has no larger size in this shape is not asked: that would be paid
 * for nothing. A picture that is no larger than the original is followed by the original resized, which takes its place.
 */
export function upscaling(provider: Provider, resizer: Provider): Provider {
  return {
    ...provider,
    plan: (request) => plan(request, provider, resizer),
    run: (call, context) => run(call, context, provider, resizer),
  }
}

function plan(request: PlanRequest, provider: Provider, resizer: Provider): Plan {
  const { job, model, inputs } = request
  const [original] = inputs.images
  if (original === undefined) return provider.plan(request)
  if (!givesLarger(provider.capabilities(model), original)) return { calls: [], warnings: [] }
  const { aspectRatio, imageSize: _tier, ...rest } = job
  const { width, height } = enlargedSize(original, job.size)
  const asked = provider.plan({ ...request, job: { ...rest, size: `${width}x${height}` } })
  const [instead] = resizer.plan({ ...request, job: { ...job, n: 1 } }).calls
  return {
    calls: asked.calls.map((call) => ({
      images: call.images,
      request: { asked: call, original, instead },
    })),
    warnings: [...asked.warnings, ...(aspectRatio === undefined ? [] : [KEEPS_SHAPE])],
  }
}

const KEEPS_SHAPE: Warning = {
  param: 'aspect_ratio',
  message: 'An upscaled picture keeps its shape; the ratio was not sent.',
}

async function* run(
  { request }: Call,
  context: CallContext,
  provider: Provider,
  resizer: Provider,
): AsyncIterable<ImageEvent> {
  if (!isUpscaleRequest(request)) throw new TypeError('This call was planned by another provider')
  const { asked, original, instead } = request
  const small: ImageEvent[] = []
  for await (const event of provider.run(asked, context)) {
    // What is no picture at all is not ours to judge.
    if (event.type !== 'image' || event.picture.width === undefined || isLarger(event.picture, original)) {
      yield event
      continue
    }
    yield* resizer.run(instead, context)
    yield { type: 'warning', warning: RESIZED }
    small.push({ ...event, index: event.index + asked.images })
  }
  // Paid for, so it is kept, though nobody asked for it.
  yield* small
}

const isUpscaleRequest = (request: unknown): request is UpscaleRequest =>
  typeof request === 'object' && request !== null && 'asked' in request && 'instead' in request

/** As far as is known before asking; where the model takes no sizes, nothing is. */
function givesLarger({ sizes }: Capabilities, original: Sides): boolean {
  if (sizes.rule === 'none') return true
  if (sizes.rule === 'free') return sizes.max > Math.max(original.width ?? 0, original.height ?? 0)
  return sizes.list.some((size) => {
    const [width = 0, height = 0] = size.split('x').map(Number)
    return isLarger({ width, height }, original) && isSameShape({ width, height }, original)
  })
}

/** Ratios this close look the same. */
const SAME_SHAPE = Math.log(1.03)

const isSameShape = (one: Sides, other: Sides): boolean =>
  Math.abs(Math.log(ratioOf(one) / ratioOf(other))) < SAME_SHAPE

const ratioOf = ({ width = 1, height = 1 }: Sides) => width / height
