import { chunked } from '../../db/chunked.ts'
import { directoryRecord, endOfArchive, localHeader, type ZipEntry } from './zip-records.ts'

/** An entry with its bytes, which are read when its turn comes. */
export interface ZipFile extends ZipEntry {
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/**
 * A ZIP archive of stored entries, byte by byte as it is asked for; what is kept meanwhile is what the directory at the end
 * says of each entry. Sizes and checksums stand in front of the bytes, so that the archive can also be unpacked while
 * it arrives: a stored entry has no end of its own by which a reader could find one that comes later.
 *
 * @throws Error when the content of an entry is not as long as it was said to be; nothing can be put right then
 */
export async function* writeZip(files: AsyncIterable<ZipFile>): AsyncGenerator<Uint8Array> {
  const written: WrittenEntry[] = []
  let offset = 0
  for await (const { name, bytes, crc32, modifiedAt, content } of files) {
    const entry = { name, bytes, crc32, modifiedAt }
    written.push({ ...entry, offset })
    const header = localHeader(entry)
    yield header
    yield* exactly(entry, content)
    offset += header.length + bytes
  }
  yield* directory(written, offset)
}

/** An entry and where its local header begins. */
interface WrittenEntry extends ZipEntry {
  offset: number
}

const RECORDS_AT_ONCE = 500

function* directory(written: readonly WrittenEntry[], offset: number): Generator<Uint8Array> {
  let bytes = 0
  for (const some of chunked(written, RECORDS_AT_ONCE)) {
    const records = Buffer.concat(some.map((entry) => directoryRecord(entry, entry.offset)))
    bytes += records.length
    yield records
  }
  yield endOfArchive({ entries: written.length, offset, bytes })
}

async function* exactly({ name, bytes }: ZipEntry, content: ZipFile['content']) {
  let sent = 0
  for await (const chunk of content) {
    sent += chunk.length
    if (sent > bytes) break
    yield chunk
  }
  if (sent !== bytes) throw new Error(`${name} is not ${bytes} bytes long`)
}
