import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { BytesError } from './bytes-error.ts'

const DECODERS: Record<string, () => Transform> = {
  gzip: () => createGunzip({ chunkSize: CHUNK }),
  'x-gzip': () => createGunzip({ chunkSize: CHUNK }),
  deflate: () => createInflate({ chunkSize: CHUNK }),
  br: () => createBrotliDecompress({ chunkSize: CHUNK }),
  zstd: () => createZstdDecompress({ chunkSize: CHUNK }),
}

const CHUNK = 64 * 1024

/** More than one is legal, more than two is an attack. */
const MOST_LAYERS = 2

/**
 * Undoes a `Content-Encoding`. What comes out is not limited: the reader has limits and stops reading, which stops this.
 * Throws {@link BytesError} `encoding` at once for an encoding that we don't know, and while reading for broken data;
 * an error of the stream itself passes through.
 */
export function decompress(
  stream: AsyncIterable<Uint8Array>,
  contentEncoding: string | undefined,
): AsyncIterable<Uint8Array> {
  const names = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  const layers = names.filter((name) => name !== '' && name !== 'identity')
  if (layers.length > MOST_LAYERS) throw new BytesError('encoding', 'it is compressed too many times')
  return layers.reduceRight(undo, stream)
}

function undo(stream: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Uint8Array> {
  const create = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined
  if (create === undefined)
    throw new BytesError('encoding', `the content encoding "${name.slice(0, 40)}" is not known`)
  return decode(stream, create())
}

async function* decode(stream: AsyncIterable<Uint8Array>, decoder: Transform): AsyncIterable<Uint8Array> {
  const source = stream instanceof Readable ? stream : Readable.from(stream)
  pipeline(source, decoder, () => undefined)
  try {
    yield* decoder
  } catch (error) {
    throw isZlibError(error)
      ? new BytesError('encoding', 'the compressed data is broken', { cause: error })
      : error
  } finally {
    decoder.destroy()
  }
}

function isZlibError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(?:Z_|ERR_BROTLI|ERR__ERROR_|ERR_ZSTD|ZSTD_)/.test(code)
}
