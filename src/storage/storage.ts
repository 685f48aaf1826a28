import type { Readable } from 'node:stream'

/**
 * Keeps files under keys: lower-case words of letters, digits, `.`, `_` and `-`, joined by `/`.
 * Every storage passes `conformance.ts`.
 */
export interface Storage {
  /**
   * Keeps the bytes of a file, which stays where it is and may be removed. Once resolved they survive a power cut, and
   * readers see all of them or nothing. Keys stand for their bytes: the same key again changes nothing.
   */
  put(key: string, file: StoredFile): Promise<void>
  /** A file to be streamed, from byte `start` to `end`, both included, or all of it; undefined when there is none. */
  open(key: string, range?: ByteRange): Promise<OpenedFile | undefined>
  /** A small file at once; undefined when there is none. */
  read(key: string): Promise<Buffer | undefined>
  stat(key: string): Promise<FileFacts | undefined>
  /** Nothing happens when there is none. */
  delete(key: string): Promise<void>
  /** All files, in no order. */
  list(): AsyncIterable<FileFacts & { key: string }>
  /** Where the file lies on this machine's disk; undefined when there is none or it lies elsewhere. */
  localPath(key: string): Promise<string | undefined>
  /** Bytes that can still be written; undefined where that cannot be known. */
  free(): Promise<number | undefined>
}

/** A finished file on the local disk, readable by its owner only, with what is known of its bytes. */
export interface StoredFile {
  path: string
  bytes: number
  sha256: string
}

export interface ByteRange {
  start: number
  end: number
}

export interface OpenedFile {
  /** Length of the whole file, whatever the range. */
  size: number
  /** Opens nothing before it is called. */
  stream(): Readable
}

export interface FileFacts {
  bytes: number
  /** Ms since the epoch. */
  modifiedAt: number
}

/** Where an original lies: two levels of folders, so that none of them holds more than a few hundred files. */
export function pictureKey(sha256: string, mime: string): string {
  const extension = EXTENSIONS.get(mime)
  if (extension === undefined || !SHA256.test(sha256)) throw new Error(`no key for ${mime} ${sha256}`)
  return `${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}.${extension}`
}

/** Refuses what could lead out of the storage or be hidden in it; keys are made by us, so this is our own mistake. */
export function checkKey(key: string): string {
  if (!isKey(key)) throw new Error(`invalid storage key ${JSON.stringify(key)}`)
  return key
}

export const isKey = (text: string): boolean => text.length <= 200 && KEY.test(text)

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/webp', 'webp'],
  ['image/gif', 'gif'],
  ['image/avif', 'avif'],
])

const SHA256 = /^[0-9a-f]{64}$/
const KEY = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/
