import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

/** Bytes of a file with the checksum that must stand in front of them. */
export interface KeptFile extends AsyncDisposable {
  bytes: number
  crc32: number
  /** Each chunk is good until the next one is asked for. */
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/**
 * Opens a file and reads it for its checksum. It is open until it is disposed of, so that its content can be read even when
 * it is removed in the meantime.
 *
 * @param bytes how long it has to be
 * @param buffer what is read goes in here; a file that fits is read once, another one twice
 * @returns undefined when there is no such file, or it is not as long as that
 */
export async function openKept(path: string, bytes: number, buffer: Buffer): Promise<KeptFile | undefined> {
  const file = await openFound(path)
  if (file === undefined) return undefined
  const kept = await readThrough(file, bytes, buffer).catch(async (error: unknown) => {
    await file.close()
    throw error
  })
  if (kept === undefined) await file.close()
  return kept && { ...kept, bytes, [Symbol.asyncDispose]: () => file.close() }
}

/** Short bytes that are in memory anyway. */
export function keptText(text: string): KeptFile {
  const content = Buffer.from(text)
  return {
    bytes: content.length,
    crc32: crc32(content),
    content: [content],
    [Symbol.asyncDispose]: async () => {},
  }
}

async function openFound(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function readThrough(file: FileHandle, bytes: number, buffer: Buffer) {
  if ((await file.stat()).size !== bytes) return undefined
  let checksum = 0
  for await (const chunk of chunksOf(file, bytes, buffer)) checksum = crc32(chunk, checksum)
  const content = bytes <= buffer.length ? [buffer.subarray(0, bytes)] : chunksOf(file, bytes, buffer)
  return { crc32: checksum, content }
}

async function* chunksOf(file: FileHandle, bytes: number, buffer: Buffer): AsyncGenerator<Buffer> {
  for (let position = 0; position < bytes; ) {
    const wanted = Math.min(buffer.length, bytes - position)
    const chunk = buffer.subarray(0, wanted)
    for (let filled = 0; filled < wanted; ) {
      const { bytesRead } = await file.read(chunk, filled, wanted - filled, position + filled)
      if (bytesRead === 0) throw new Error('a file is shorter than it was')
      filled += bytesRead
    }
    yield chunk
    position += wanted
  }
}
