/** Picture types that we recognise by their first bytes. */
export type PictureType = 'image/png' | 'image/jpeg' | 'image/webp' | 'image/gif' | 'image/avif'

export interface SpooledFields {
  path: string
  sha256: string
  bytes: number
  mime: PictureType | undefined
  width: number | undefined
  height: number | undefined
  complete?: boolean
  prefix?: string
  loose?: string
}

/**
 * Bytes that wait in a file instead of in memory: what stands in a parsed value where a long base64 string stood.
 * A class so that it can be told apart from ordinary JSON in a value of unknown shape.
 */
export class Spooled {
  /** Absolute path of the file with the decoded bytes. */
  readonly path: string
  /** Hex digest of the decoded bytes. */
  readonly sha256: string
  /** Length of the decoded bytes. */
  readonly bytes: number
  /** What the first bytes say it is; undefined when they are no picture we know. */
  readonly mime: PictureType | undefined
  /** Pixels, read from the header; undefined when it is no picture or the header is broken. */
  readonly width: number | undefined
  readonly height: number | undefined
  /** Whether the file ends as its type must; false for a picture that was cut. */
  readonly complete: boolean
  /** What stood before the base64, e.g. `data:image/png;base64,`; empty for bare base64 and for uploads. */
  readonly prefix: string
  /** The last characters of the base64, where they are no full group; only where the reader was asked for them. */
  readonly loose: string

  constructor(fields: SpooledFields) {
    this.path = fields.path
    this.sha256 = fields.sha256
    this.bytes = fields.bytes
    this.mime = fields.mime
    this.width = fields.width
    this.height = fields.height
    this.complete = fields.complete ?? true
    this.prefix = fields.prefix ?? ''
    this.loose = fields.loose ?? ''
  }
}

/** What stands in a parsed value where a text with long data URLs in it stood, e.g. a chat answer in markdown. */
export class SpooledText {
  /** Text and pictures in their order; each picture's `prefix` is the beginning of its data URL. */
  readonly parts: readonly (string | Spooled)[]

  constructor(parts: readonly (string | Spooled)[]) {
    this.parts = parts
  }
}
