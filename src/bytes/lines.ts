import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'

/** What was written. */
export interface WrittenLines {
  lines: number
  bytes: number
  /** Hex digest of the file. */
  sha256: string
}

/** So much is collected before it is written, in bytes. */
const BLOCK = 256 * 1024

/**
 * Writes a file of lines, readable by its owner only, and forces it to the disk. Lines hold no line feeds. Errors of the file
 * system pass through; what was written until then stays.
 */
export async function writeLines(path: string, lines: AsyncIterable<string>): Promise<WrittenLines> {
  const hash = createHash('sha256')
  const written = { lines: 0, bytes: 0 }
  await using file = await open(path, 'w', 0o600)
  let block: string[] = []
  let length = 0
  const flush = async () => {
    const bytes = Buffer.from(block.join(''))
    hash.update(bytes)
    written.bytes += bytes.length
    await file.writeFile(bytes)
    block = []
    length = 0
  }
  for await (const line of lines) {
    block.push(line, '\n')
    length += line.length
    written.lines += 1
    if (length >= BLOCK) await flush()
  }
  await flush()
  await file.sync()
  return { ...written, sha256: hash.digest('hex') }
}

/** The lines of a file, one at a time; an end without a line feed counts as a line. Only a line feed ends one. */
export async function* readLines(path: string): AsyncGenerator<string> {
  let rest: Buffer[] = []
  for await (const chunk of createReadStream(path, { highWaterMark: BLOCK }) as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(FEED); end !== -1; end = chunk.indexOf(FEED, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8')
      rest = []
      start = end + 1
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8')
}

const FEED = 0x0a

/** Hex digest of a file. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: BLOCK })) hash.update(chunk)
  return hash.digest('hex')
}
