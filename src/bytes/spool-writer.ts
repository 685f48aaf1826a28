import { createHash } from 'node:crypto'
import { close, open, read, writev } from 'node:fs'
import { mkdir, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { type BufferPool, GATHER_BYTES } from './buffer-pool.ts'
import { BytesError } from './bytes-error.ts'
import { type HeadFacts, inspectHead, isComplete, readLateJpegSize, TAIL_BYTES } from './inspect.ts'
import { Spooled } from './spooled.ts'

/** Full buffers that go to the disk in one write where bytes come fast; each write is a trip to another thread. */
const AT_ONCE = 4

/** A buffer that took longer to fill, in ms, is written by itself: a slow body shall not hold memory. */
const SLOW = 20

/** The callback functions of fs cost half of what its FileHandle does, and this is on the way of every picture. */
const files = {
  open: promisify(open),
  close: promisify(close),
  read: promisify(read),
  writev: promisify(writev),
}

/** A buffer on its way to the disk. */
interface Gathered {
  buffer: Buffer
  length: number
}

/**
 * Writes one file of a spool and hashes it on the way. Bytes are gathered, so that there are few writes.
 * It ends with `finish` or with `abort`; its scope sees to the second where the first never came.
 */
export class SpoolWriter {
  readonly #path: string
  readonly #pool: BufferPool
  readonly #limit: number
  readonly #hash = createHash('sha256')
  /** Gathered bytes on their way to the disk, oldest first. */
  readonly #full: Gathered[] = []
  #buffer: Buffer | undefined
  #filled = 0
  #flushed = 0
  #head: HeadFacts | undefined
  /** Descriptor of the open file. */
  #file: number | undefined
  #writing: Promise<void> | undefined
  #busy = false
  #ending = false
  #flushedAt = performance.now()
  #failure: unknown

  /** @param limit most bytes; more is a {@link BytesError} `too_large` */
  constructor(path: string, pool: BufferPool, limit: number) {
    this.#path = path
    this.#pool = pool
    this.#limit = limit
    this.#startWriting()
  }

  /** Neither finished nor given up. */
  get isOpen(): boolean {
    return !this.#ending && this.#failure === undefined
  }

  /** Bytes taken so far. */
  get bytes(): number {
    return this.#flushed + this.#filled
  }

  /** Takes the bytes; the chunk may be used again at once. A promise only when the caller must wait for the disk. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    for (let at = 0; at < chunk.length; ) {
      const buffer = this.#room(1)
      const piece = chunk.subarray(at, at + GATHER_BYTES - this.#filled)
      buffer.set(piece, this.#filled)
      this.#filled += piece.length
      at += piece.length
    }
    return this.drain()
  }

  /**
   * Decodes base64 (either alphabet, at most 64 KiB), whose last group may be short. False, with nothing taken,
   * when the text holds any other character. Ask {@link drain} afterwards.
   */
  writeBase64(text: string): boolean {
    const length = Math.floor((text.length * 3) / 4)
    const buffer = this.#room(length)
    if (buffer.write(text, this.#filled, length, 'base64') !== length) return false
    this.#filled += length
    return true
  }

  /** A promise while too much waits for the disk; it rejects when the disk failed. */
  drain(): Promise<void> | undefined {
    if (this.#failure !== undefined) return this.#written()
    return this.#full.length > AT_ONCE ? this.#written() : undefined
  }

  /**
   * Writes what is left and closes the file. The bytes are not forced to the disk: whoever keeps the file does that.
   * @param prefix what stood before the base64
   * @param loose the last characters of the base64, where they are no full group
   */
  async finish(prefix = '', loose = ''): Promise<Spooled> {
    try {
      const tail = this.#tail()
      this.#ending = true
      this.#flush()
      await this.#written()
      return await this.#describe(tail, prefix, loose)
    } catch (error) {
      await this.abort()
      throw error
    } finally {
      await this.#close()
    }
  }

  /** Gives up and removes the file; also after {@link finish}, and where somebody moved the file away. */
  async abort(): Promise<void> {
    this.#failure ??= new Error('The spool file was given up')
    if (this.#buffer !== undefined) this.#pool.give(this.#buffer)
    this.#buffer = undefined
    // Whoever still writes or finishes must not hand on what is gone.
    this.#filled = 0
    await this.#writing
    await this.#close()
    // Somebody may have moved it away; and what cannot be removed now is removed at the next start.
    await unlink(this.#path).catch(() => undefined)
  }

  /** A buffer with room for `length` bytes from `#filled` on. */
  #room(length: number): Buffer {
    if (this.#filled + length > GATHER_BYTES) this.#flush()
    this.#buffer ??= this.#pool.take()
    return this.#buffer
  }

  #flush(): void {
    if (this.bytes > this.#limit) throw tooLarge(this.#limit)
    const buffer = this.#buffer ?? Buffer.alloc(0)
    const gathered = buffer.subarray(0, this.#filled)
    this.#head ??= inspectHead(gathered)
    this.#hash.update(gathered)
    this.#flushed += this.#filled
    if (this.#filled > 0) this.#full.push({ buffer, length: this.#filled })
    this.#buffer = undefined
    this.#filled = 0
    const now = performance.now()
    if (this.#ending || this.#full.length >= AT_ONCE || now - this.#flushedAt > SLOW) this.#startWriting()
    this.#flushedAt = now
  }

  #startWriting(): void {
    if (this.#busy) return
    this.#busy = true
    this.#writing = this.#writeOut()
  }

  async #writeOut(): Promise<void> {
    try {
      if (this.#failure === undefined) this.#file ??= await openNew(this.#path)
      while (this.#full.length > 0) {
        const batch = this.#full.slice()
        if (this.#failure === undefined && this.#file !== undefined) await writeAll(this.#file, batch)
        this.#full.splice(0, batch.length)
        for (const { buffer } of batch) this.#pool.give(buffer)
      }
    } catch (error) {
      this.#failure ??= error
    } finally {
      this.#busy = false
    }
  }

  async #written(): Promise<void> {
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
  }

  /** The end of the bytes, where it is still in memory. */
  #tail(): Buffer | undefined {
    if (this.#filled < TAIL_BYTES && this.#flushed > 0) return undefined
    return Buffer.from(this.#buffer?.subarray(Math.max(0, this.#filled - TAIL_BYTES), this.#filled) ?? [])
  }

  async #describe(tail: Buffer | undefined, prefix: string, loose: string): Promise<Spooled> {
    const head = this.#head ?? inspectHead(Buffer.alloc(0))
    const end = tail ?? (await this.#readAt(this.bytes - TAIL_BYTES, TAIL_BYTES))
    const dimensions =
      head.dimensions ?? (await readLateJpegSize(head, (position, length) => this.#readAt(position, length)))
    return new Spooled({
      path: this.#path,
      sha256: this.#hash.digest('hex'),
      bytes: this.bytes,
      mime: head.mime,
      width: dimensions?.width,
      height: dimensions?.height,
      complete: await isComplete(head, this.bytes, end, (position, length) => this.#readAt(position, length)),
      prefix,
      loose,
    })
  }

  async #readAt(position: number, length: number): Promise<Buffer> {
    if (this.#file === undefined) return Buffer.alloc(0)
    const { bytesRead, buffer } = await files.read(this.#file, Buffer.alloc(length), 0, length, position)
    return buffer.subarray(0, bytesRead)
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    if (file !== undefined) await files.close(file)
  }
}

/** The folder may have been cleaned away while nothing was in it. */
async function openNew(path: string): Promise<number> {
  try {
    return await files.open(path, 'wx+', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return await files.open(path, 'wx+', 0o600)
  }
}

async function writeAll(file: number, batch: readonly Gathered[]): Promise<void> {
  let left = batch.map(({ buffer, length }) => buffer.subarray(0, length))
  while (left.length > 0) {
    const { bytesWritten } = await files.writev(file, left)
    left = behind(left, bytesWritten)
  }
}

/** What of the buffers follows the first `bytes`: a write may be cut short. */
function behind(buffers: readonly Buffer[], bytes: number): Buffer[] {
  let skip = bytes
  return buffers.flatMap((buffer) => {
    const rest = buffer.subarray(Math.min(skip, buffer.length))
    skip -= buffer.length - rest.length
    return rest.length > 0 ? [rest] : []
  })
}

function tooLarge(limit: number): BytesError {
  return new BytesError('too_large', `it is larger than ${limit} bytes`)
}
