import { open } from 'node:fs/promises'
import type { Spooled } from './spooled.ts'

/**
 * The base64 of a file, in pieces that can be put one after the other.
 * @param pieceBytes of the file for each piece: a multiple of 3, so that only the last has padding
 */
export async function* readBase64(picture: Spooled, pieceBytes: number): AsyncGenerator<string, void> {
  await using file = await open(picture.path)
  const buffer = Buffer.allocUnsafeSlow(Math.min(pieceBytes, picture.bytes))
  for (let position = 0; position < picture.bytes; ) {
    const wanted = Math.min(buffer.length, picture.bytes - position)
    for (let read = 0; read < wanted; ) {
      const { bytesRead } = await file.read(buffer, read, wanted - read, position + read)
      if (bytesRead === 0) throw new Error('A spool file is shorter than it was')
      read += bytesRead
    }
    yield buffer.toString('base64', 0, wanted)
    position += wanted
  }
}
