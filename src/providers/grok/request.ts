import { randomUUID } from 'node:crypto'

/** What one socket is asked for. */
export interface GrokRequest {
  dialect: 'grok'
  prompt: string
  /** One of `ASPECT_RATIOS` in `aspect-ratio.ts`. */
  aspectRatio: string
  /** Pictures wanted. */
  images: number
  /** Previews wanted of each. */
  previews: number
}

/** Whether a call was planned by this adapter. */
export function isGrokRequest(request: unknown): request is GrokRequest {
  return typeof request === 'object' && request !== null && 'dialect' in request && request.dialect === 'grok'
}

/** What the client says after the handshake, in this order. */
export function messagesOf(request: GrokRequest): string[] {
  return [message({ type: 'reset' }), message(promptOf(request))]
}

function message(content: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    type: 'conversation.item.create',
    timestamp: Date.now(),
    item: { type: 'message', content: [content] },
  })
}

/** The newest form. Older servers read the fields that they know; all fields of all generations are there. */
function promptOf({ prompt, aspectRatio, images }: GrokRequest) {
  return {
    requestId: randomUUID(),
    text: prompt,
    type: 'input_text',
    properties: {
      section_count: 0,
      is_kids_mode: false,
      // Never anything else: see docs/grok.md.
      enable_nsfw: false,
      skip_upsampler: false,
      enable_side_by_side: true,
      is_initial: false,
      aspect_ratio: aspectRatio,
      enable_pro: false,
      num_generations: images,
    },
  }
}
