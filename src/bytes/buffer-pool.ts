/** Length of a gathering buffer: large enough that writes are few, small enough for many pictures at once. */
export const GATHER_BYTES = 256 * 1024

/** Most buffers kept for the next picture; what is above goes back to the system. */
const KEPT = 32

/** Gathering buffers that are used again, since fresh memory costs more than filling it. */
export class BufferPool {
  readonly #free: Buffer[] = []

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(GATHER_BYTES)
  }

  /** The caller must not touch the buffer afterwards. */
  give(buffer: Buffer): void {
    if (this.#free.length < KEPT) this.#free.push(buffer)
  }
}
