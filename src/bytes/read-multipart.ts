import type { Readable } from 'node:stream'
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import { BytesError } from './bytes-error.ts'
import type { Spool } from './spool.ts'
import type { Spooled } from './spooled.ts'

const MAX_FIELDS = 100

export interface ReadMultipartOptions {
  /** Where files go. */
  spool: Spool
  maxFileBytes: number
  maxFiles: number
  /** Most ordinary fields; default 100. */
  maxFields?: number
  /** Longest value of an ordinary field, in bytes; default 1 MiB. */
  maxFieldBytes?: number
}

/**
 * Reads a form as it arrives, its files going to the spool. Fields become strings and files `Spooled`; a name that is
 * repeated, or ends in `[]`, becomes an array under the name without `[]`. A file field that was left empty is left out.
 *
 * Throws `BytesError` `invalid_multipart`, or `too_large` and `too_many` with the field as `param`; an error of the
 * request passes through. The request is not destroyed then, so that it can be answered.
 */
export async function readMultipart(
  request: Readable,
  contentType: string,
  options: ReadMultipartOptions,
): Promise<Record<string, unknown>> {
  const parser = createParser(contentType, options)
  const form = listen(parser, options)
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const written = new Promise<void>((resolve) => parser.write(chunk, () => resolve()))
    await Promise.race([written, form.failed])
  }
  parser.end()
  await Promise.race([form.finished, form.failed])
  const values = await Promise.all(form.entries.map((entry) => entry.value))
  return collect(form.entries.map(({ name }, index) => ({ name, value: values[index] })))
}

function createParser(contentType: string, options: ReadMultipartOptions): BusboyInstance {
  if (!/^multipart\/form-data\s*;/i.test(contentType))
    throw malformed('its content type is not multipart/form-data')
  const { maxFiles, maxFields = MAX_FIELDS, maxFieldBytes: fieldSize = 1024 * 1024 } = options
  // One more than allowed, so that the field that is too much can be named.
  const limits = {
    fieldSize,
    files: maxFiles + 1,
    fields: maxFields + 1,
    headerPairs: 20,
    headerSize: 16 * 1024,
  }
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits })
  } catch (error) {
    throw malformed('its content type names no boundary', error)
  }
}

interface Form {
  entries: { name: string; value: string | Promise<Spooled | undefined> }[]
  finished: Promise<void>
  /** Rejects with the first thing that goes wrong, and never resolves. */
  failed: Promise<never>
}

function listen(parser: BusboyInstance, options: ReadMultipartOptions): Form {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  failed.catch(() => undefined)
  const entries: Form['entries'] = []
  let files = 0
  parser.on('file', (name, stream, filename) => {
    files += 1
    if (files > options.maxFiles) reject(tooMany(`files, at most ${options.maxFiles} will do`, name))
    const value = receive(stream, name, filename, options)
    value.catch(reject)
    entries.push({ name, value })
  })
  parser.on('field', (name, value, _nameTruncated, valueTruncated) => {
    if (valueTruncated) reject(new BytesError('too_large', 'the value is too long', { param: name }))
    if (entries.length - files >= (options.maxFields ?? MAX_FIELDS)) reject(tooMany('fields', name))
    entries.push({ name, value })
  })
  parser.on('error', (error) => reject(malformed('it is cut or is not what its boundary says', error)))
  return { entries, failed, finished: new Promise((resolve) => parser.once('finish', resolve)) }
}

async function receive(
  stream: BusboyFileStream,
  param: string,
  filename: string | undefined,
  options: ReadMultipartOptions,
): Promise<Spooled | undefined> {
  // It may fail once more after we have stopped listening to it.
  stream.on('error', () => undefined)
  try {
    const file = await options.spool.receive(stream, { limit: options.maxFileBytes })
    return !filename && file.bytes === 0 ? undefined : file
  } catch (error) {
    if (error instanceof BytesError) throw new BytesError(error.kind, error.detail, { param, cause: error })
    throw isCut(error) ? malformed('a file in it is cut', error, param) : error
  }
}

/** What the parser says of a part whose end is missing. */
function isCut(error: unknown): boolean {
  return error instanceof Error && error.message.includes('terminated early')
}

function collect(entries: { name: string | undefined; value: unknown }[]): Record<string, unknown> {
  const fields = new Map<string, unknown>()
  for (const { name, value } of entries) {
    if (value === undefined) continue
    if (name === undefined) throw malformed('a field in it has no name')
    const key = name.endsWith('[]') ? name.slice(0, -2) : name
    const known = fields.get(key)
    if (Array.isArray(known)) known.push(value)
    else if (fields.has(key)) fields.set(key, [known, value])
    else fields.set(key, key === name ? value : [value])
  }
  return Object.fromEntries(fields)
}

function tooMany(what: string, param: string): BytesError {
  return new BytesError('too_many', `it holds too many ${what}`, { param })
}

function malformed(detail: string, cause?: unknown, param?: string): BytesError {
  return new BytesError('invalid_multipart', detail, { cause, param })
}
