import { directoryRecord, endOfArchive, localHeader, type ZipEntry } from './zip-records.ts'

/** An entry with its bytes, which are read when its turn comes. */
export interface ZipFile extends ZipEntry {
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/**
 * A ZIP archive of stored entries, byte by byte as it is asked for; what is kept meanwhile is the directory, some hundred
 * bytes an entry. Sizes and checksums stand in front of the bytes, so that the archive can also be unpacked while
 * it arrives: a stored entry has no end of its own by which a reader could find one that comes later.
 *
 * @throws Error when the content of an entry is not as long as it was said to be; nothing can be put right then
 */
export async function* writeZip(files: AsyncIterable<ZipFile>): AsyncGenerator<Uint8Array> {
  const records: Buffer[] = []
  let offset = 0
  for await (const file of files) {
    const { content, ...entry } = file
    records.push(directoryRecord(entry, offset))
    const header = localHeader(entry)
    yield header
    yield* exactly(entry, content)
    offset += header.length + entry.bytes
  }
  let bytes = 0
  for (let first = 0; first < records.length; first += RECORDS_AT_ONCE) {
    const some = Buffer.concat(records.slice(first, first + RECORDS_AT_ONCE))
    bytes += some.length
    yield some
  }
  yield endOfArchive({ entries: records.length, offset, bytes })
}

const RECORDS_AT_ONCE = 500

async function* exactly({ name, bytes }: ZipEntry, content: ZipFile['content']) {
  let sent = 0
  for await (const chunk of content) {
    sent += chunk.length
    if (sent > bytes) break
    yield chunk
  }
  if (sent !== bytes) throw new Error(`${name} is not ${bytes} bytes long`)
}
