/** A picture in the library with what is known of how it was made. Times in ms since the epoch, sizes in bytes and pixels. */
export interface StoredImage {
  id: string
  taskId: string
  /** Order of arrival within the task, from 0. */
  position: number
  owner: string
  /** Hex digest of the bytes; also the name of the file. */
  sha256: string
  mime: string
  bytes: number
  width: number
  height: number
  provider: string
  /** Public model name. */
  model: string
  /** The name that the upstream was asked with. */
  upstreamModel: string
  /** What was asked. */
  prompt: string
  /** What the upstream was asked with, where that is not the same. */
  sentPrompt: string | undefined
  /** What the upstream made of it, where it says so. */
  revisedPrompt: string | undefined
  seed: number | undefined
  /** Opaque upstream state that later edits must send back. */
  signature: string | undefined
  /** What the upstream said of the picture: size, quality, background, output_format. */
  details: Readonly<Record<string, unknown>>
  createdAt: number
}
