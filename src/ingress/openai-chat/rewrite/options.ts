import type { Spool } from '../../../bytes/spool.ts'
import type { Spooled } from '../../../bytes/spooled.ts'

/** What the upstream says of a picture besides its bytes. */
export interface PictureFacts {
  /** Opaque state that Gemini wants back with the next edit. */
  signature?: string
}

/** Where the pictures of a chat answer go. */
export interface PictureKeeper {
  /** Stores a picture that the upstream drew and returns its public URL. Its file must stay where it is. */
  keep(picture: Spooled, facts: PictureFacts): Promise<string>
  /** Stores a picture behind a foreign URL and returns its public URL; undefined leaves the URL as it is. */
  keepUrl?(url: string): Promise<string | undefined>
}

/**
 * How pictures leave in a chat answer (contract.md, section 2).
 * - `markdown`: `![image](URL)` in the text.
 * - `parts`: the same, and `images: [{type: 'image_url', image_url: {url}}]` beside the text.
 * - `content`: the content is a list of parts.
 * - `base64`: as `markdown`, with a data URL instead of a link.
 */
export type ChatImageFormat = 'markdown' | 'parts' | 'content' | 'base64'

export interface RewriteOptions {
  spool: Spool
  keeper: PictureKeeper
  format: ChatImageFormat
  /** Whether the upstream answers with server-sent events, whatever it was asked for; default: what was asked for. */
  isStream?: boolean
  /** What the upstream says went wrong, in a body or an event of it; default: that is passed on like anything else. */
  failureIn?(value: unknown): Error | undefined
}
