import type { Frame, Slot, StageName } from './grok-frames.ts'
import { errorFrame, imageFrame, newSlot, statusFrame } from './grok-frames.ts'
import type { Picture } from './pictures.ts'

/** What the fake does next on a socket. */
export type Step =
  | { send: Frame | string }
  /** The same message in fragments of this many bytes. */
  | { send: Frame; fragments: number }
  | { ping: true }
  /** Goes on when the client has answered a ping, and so has all that came before it. */
  | { heard: true }
  | { close: number; reason?: string }
  /** `half`: sends FIN and no close frame. `reset`: RST. */
  | { end: 'half' | 'reset' }
  /** Milliseconds. */
  | { wait: number }

/** A prompt that arrived. */
export interface GrokCall {
  prompt: Frame & { properties: Frame }
  /** How many the newest generation draws. */
  count: number
  /** Size of a final picture in bytes. */
  bytes?: number | undefined
  painted(slot: Slot, stage: StageName): Promise<Picture>
}

type Script = (call: GrokCall) => AsyncIterable<Step>

/** However many are asked for, older generations draw as many. */
const NATIVE_BATCH = 6

/** No status, no percentage; six slots; the size and the ending of the link tell what a picture is. */
async function* v1(call: GrokCall, ending?: string): AsyncIterable<Step> {
  const slots = slotsOf(call, NATIVE_BATCH)
  for (const stage of ['preview', 'medium', 'final'] as const) {
    for (const slot of slots) {
      const { percentage_complete: _, ...frame } = imageFrame(slot, stage, await call.painted(slot, stage))
      yield {
        send: ending === undefined ? frame : { ...frame, url: String(frame.url).replace(/\w+$/, ending) },
      }
    }
  }
}

/** The last picture before `completed` is the final one, whatever its percentage. */
async function* v2(call: GrokCall): AsyncIterable<Step> {
  const slots = slotsOf(call, NATIVE_BATCH)
  for (const slot of slots) yield { send: statusFrame(slot, 'start_stage', { image_id: null }) }
  for (const stage of ['preview', 'medium', 'final'] as const) {
    for (const slot of slots) {
      const percentage_complete = { preview: 10, medium: 50, final: 99 }[stage]
      yield { send: imageFrame(slot, stage, await call.painted(slot, stage), { percentage_complete }) }
      if (stage === 'final') yield { send: statusFrame(slot, 'completed') }
    }
  }
}

/** As many slots as are asked for; interleaved; a picture is usable when it is completed. */
async function* v3(call: GrokCall): AsyncIterable<Step> {
  const slots = slotsOf(call)
  yield* start(slots)
  for (const stage of ['preview', 'medium', 'final'] as const) {
    for (const slot of stage === 'medium' ? slots.toReversed() : slots) yield* show(call, slot, stage)
  }
  for (const slot of slots.toReversed()) yield { send: statusFrame(slot, 'completed') }
}

/** Previews of all, then each slot comes to its end in its own way. */
function ending(finish: (call: GrokCall, slot: Slot, index: number) => AsyncIterable<Step>): Script {
  return async function* (call) {
    const slots = slotsOf(call)
    yield* start(slots)
    for (const slot of slots) yield* show(call, slot, 'preview')
    for (const [index, slot] of slots.entries()) yield* finish(call, slot, index)
  }
}

async function* finished(call: GrokCall, slot: Slot): AsyncIterable<Step> {
  yield* show(call, slot, 'final')
  yield { send: statusFrame(slot, 'completed') }
}

const say = (...steps: Step[]): Script =>
  async function* () {
    yield* steps
  }

const afterFirst = (...steps: Step[]): Script =>
  ending(async function* (call, slot, index) {
    if (index === 0) yield* finished(call, slot)
    if (index === 1 || call.count === 1) yield* steps
  })

/** Ways to answer a prompt. What ends without a close leaves the socket open and silent. */
export const GROK_BEHAVIOURS = {
  v1,
  'v1-png': (call: GrokCall) => v1(call, 'png'),
  v2,
  v3,
  'completed-first': ending(async function* (call, slot) {
    yield { send: statusFrame(slot, 'completed') }
    yield* show(call, slot, 'final')
  }),
  notices: async function* (call: GrokCall): AsyncIterable<Step> {
    yield { send: { type: 'session', session_id: 'abc', notice: 'welcome' } }
    yield { send: 'pong' }
    yield { send: '' }
    yield { send: { type: 'json', current_status: null } }
    for await (const step of v3(call)) {
      yield { ping: true }
      yield { send: { type: 'image_hint', blob: 'AAAA' } }
      yield step
    }
    yield { send: '[1,2' }
  },
  fragmented: async function* (call: GrokCall): AsyncIterable<Step> {
    for await (const step of v3(call)) {
      yield 'send' in step && typeof step.send !== 'string' ? { send: step.send, fragments: 10_007 } : step
      yield { ping: true }
    }
  },
  'r-rated': ending(async function* (call, slot) {
    yield { send: imageFrame(slot, 'final', await call.painted(slot, 'final'), { r_rated: true }) }
    yield { send: statusFrame(slot, 'completed', { r_rated: true }) }
  }),
  moderated: ending(async function* (_call, slot) {
    yield { send: statusFrame(slot, 'completed', { moderated: true }) }
  }),
  /** The picture came, and then the verdict. */
  'moderated-late': ending(async function* (call, slot) {
    yield* show(call, slot, 'final')
    yield { send: statusFrame(slot, 'completed', { moderated: true }) }
  }),
  'moderated-first': ending(async function* (call, slot, index) {
    if (index > 0) yield* finished(call, slot)
    else
      yield {
        send: imageFrame(slot, 'preview', await call.painted(slot, 'preview'), { moderated: true, blob: '' }),
      }
  }),
  'slot-error': ending(async function* (_call, slot) {
    yield { send: statusFrame(slot, 'error', { image_id: undefined, order: undefined }) }
  }),
  'slot-error-first': ending(async function* (call, slot, index) {
    if (index > 0) yield* finished(call, slot)
    else yield { send: statusFrame(slot, 'error') }
  }),
  /** What a block looks like from outside: a good preview, and nothing after it. */
  'previews-only': ending(async function* (call, slot) {
    yield* show(call, slot, 'medium')
  }),
  /** Final pictures whose `completed` never comes. */
  uncompleted: ending(async function* (call, slot) {
    yield* show(call, slot, 'final')
  }),
  'completed-preview': ending(async function* (_call, slot) {
    yield { send: statusFrame(slot, 'completed') }
  }),
  silent: say(),
  'silent-after-start': async function* (call: GrokCall): AsyncIterable<Step> {
    yield* start(slotsOf(call))
  },
  'silent-after-one': afterFirst(),
  'half-closed': say({ end: 'half' }),
  'half-closed-after-one': afterFirst({ end: 'half' }),
  reset: say({ end: 'reset' }),
  'reset-after-one': afterFirst({ heard: true }, { end: 'reset' }),
  'close-1000': say({ close: 1000 }),
  'close-1008': say({ close: 1008, reason: 'policy' }),
  'close-1011': say({ close: 1011, reason: 'internal error' }),
  'close-4429': say({ close: 4429 }),
  'close-unauthorized': say({ close: 1008, reason: 'unauthorized' }),
  'close-after-one': afterFirst({ close: 1000 }),
  'close-after-previews': ending(async function* () {
    yield { close: 1011 }
  }),
  'rate-limited': say({ send: errorFrame('rate_limit_exceeded', 'Image rate limit exceeded') }),
  'rate-after-one': afterFirst({ send: errorFrame('rate_limit_exceeded', 'Image rate limit exceeded') }),
  'invalid-argument': say({ send: errorFrame('invalid_argument', 'aspect_ratio is not supported') }),
  unauthorized: say({ send: errorFrame('unauthorized', 'no session') }),
  'unknown-error': say({ send: errorFrame('internal', 'something broke') }),
  'broken-base64': ending(async function* (call, slot) {
    const blob = `${'/9j/4AAQSkZJRgABAQ'.padEnd(40_000, 'A')}*${'A'.repeat(90_000)}`
    yield { send: imageFrame(slot, 'final', await call.painted(slot, 'final'), { blob }) }
    yield { send: statusFrame(slot, 'completed') }
  }),
} satisfies Record<string, Script>

export type GrokBehaviourName = keyof typeof GROK_BEHAVIOURS

function slotsOf({ prompt, count }: GrokCall, most = count): Slot[] {
  const ratio = String(prompt.properties.aspect_ratio)
  return Array.from({ length: most }, (_, order) => newSlot(order, prompt, ratio))
}

async function* start(slots: readonly Slot[]): AsyncIterable<Step> {
  for (const slot of slots) yield { send: statusFrame(slot, 'start_stage') }
}

async function* show(call: GrokCall, slot: Slot, stage: StageName): AsyncIterable<Step> {
  yield { send: imageFrame(slot, stage, await call.painted(slot, stage)) }
}
