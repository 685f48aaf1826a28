import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { picturesIn, type RecordedPicture } from './recorded-pictures.ts'

export interface RecordedFile {
  /** Name of the form field, e.g. `image[]`. */
  field: string
  filename: string
  type: string
  bytes: Buffer
}

/** A request as the fake upstream saw it. */
export interface RecordedRequest {
  method: string
  /** Path with query. */
  path: string
  headers: IncomingHttpHeaders
  /** The JSON body, or the text fields of a form; repeated fields become an array. */
  body: Readonly<Record<string, unknown>>
  files: readonly RecordedFile[]
  /** The data URLs in a JSON body, in their order. */
  pictures: readonly RecordedPicture[]
  /** Whether the answer was read to the end or the client went away before. */
  finished: Promise<'complete' | 'aborted'>
}

/** Reads a request with a JSON or multipart body. A body that is neither leaves `body` empty. */
export async function record(
  message: IncomingMessage,
  finished: RecordedRequest['finished'],
): Promise<RecordedRequest> {
  const chunks: Uint8Array[] = []
  for await (const chunk of message) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const type = message.headers['content-type'] ?? ''
  const base = { method: message.method ?? '', path: message.url ?? '', headers: message.headers, finished }
  if (type.startsWith('multipart/form-data'))
    return { ...base, ...(await readForm(bytes, type)), pictures: [] }
  const body = readObject(bytes)
  return { ...base, body, files: [], pictures: picturesIn(body) }
}

async function readForm(bytes: Buffer, type: string): Promise<Pick<RecordedRequest, 'body' | 'files'>> {
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData()
  const body: Record<string, unknown> = {}
  const files: RecordedFile[] = []
  for (const [field, value] of form) {
    if (typeof value === 'string') body[field] = field in body ? [body[field], value].flat() : value
    else
      files.push({
        field,
        filename: value.name,
        type: value.type,
        bytes: Buffer.from(await value.arrayBuffer()),
      })
  }
  return { body, files }
}

function readObject(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
