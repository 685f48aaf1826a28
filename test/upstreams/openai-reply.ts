/** What the fake sends back. */
export interface Reply {
  status: number
  headers?: Record<string, string>
  body: readonly Buffer[]
  /** `cut`: closes in the middle of the body. `reset`: closes instead of answering. `hang`: never answers. */
  fault?: 'cut' | 'reset' | 'hang'
}

/** A reply with a JSON body. */
export function document(value: unknown, status = 200): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: [text(JSON.stringify(value))] }
}

/** An error in OpenAI's shape. */
export function failure(
  status: number,
  message: string,
  type: string,
  code: string | null,
  param: string | null = null,
): Reply {
  return document({ error: { message, type, param, code } }, status)
}

export function sse(body: readonly Buffer[]): Reply {
  return { status: 200, headers: { 'content-type': 'text/event-stream; charset=utf-8' }, body }
}

export function reply(body: readonly Buffer[]): Reply {
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

export function page(status: number, html: string): Reply {
  return { status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body: [text(html)] }
}

export function text(content: string): Buffer {
  return Buffer.from(content)
}
