import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Logger } from '../base/log.ts'

/** A file with one token a line that may change at any time. */
export interface AccountFile {
  /** Reads it now. */
  read(): Promise<void>
  /** Looks at it no more. */
  close(): void
}

export interface AccountFileOptions {
  log: Logger
  /** How often to look at it, in ms. */
  interval?: number | undefined
  /** Is told the tokens each time they are read; none where there is no file. */
  changed(tokens: readonly string[]): Promise<void>
}

const LOOK_EVERY = 2000
/** More is not read. */
const MOST_TOKENS = 10_000

/**
 * Watches a file by looking at it again and again: that also works for files that are not there yet, that an editor
 * replaces, and on network and container file systems.
 */
export function watchAccountFile(path: string, options: AccountFileOptions): AccountFile {
  const { log, interval = LOOK_EVERY, changed } = options
  let reading = Promise.resolve()
  let grace: NodeJS.Timeout | undefined

  async function readNow(isLastWord: boolean): Promise<void> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    // Some programs delete a file and write it anew. One that does not come back holds no tokens.
    if (text === undefined && !isLastWord) {
      grace = setTimeout(() => later(true), interval).unref()
      return
    }
    const { tokens, wrong } = tokensIn(text ?? '')
    if (wrong.length > 0)
      log.warn({ file: path, lines: wrong.slice(0, 20) }, 'lines that are no tokens are skipped')
    await changed(tokens)
  }

  function read(isLastWord: boolean): Promise<void> {
    clearTimeout(grace)
    const next = reading.then(() => readNow(isLastWord))
    reading = next.catch(() => {})
    return next
  }

  /** What cannot be read leaves the tokens as they were. */
  function later(isLastWord: boolean): void {
    read(isLastWord).catch((error: unknown) =>
      log.warn({ err: error, file: path }, 'a file of tokens cannot be read'),
    )
  }

  const look = () => later(false)
  watchFile(path, { interval, persistent: false }, look)
  return {
    read: () => read(true),
    close: () => {
      clearTimeout(grace)
      unwatchFile(path, look)
    },
  }
}

/** The tokens of a text, each once, with the numbers of lines that hold something else. Empty lines and `#` lines are skipped. */
export function tokensIn(text: string): { tokens: string[]; wrong: number[] } {
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map(tokenOf)
  const wrong = lines.flatMap((line, index) => (line === '' || TOKEN.test(line) ? [] : [index + 1]))
  const tokens = new Set(lines.filter((line) => TOKEN.test(line)))
  return { tokens: [...tokens].slice(0, MOST_TOKENS), wrong }
}

/** It travels in a cookie or a header. */
const TOKEN = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,8192}$/

/** People copy a token together with the name of its cookie. */
export function tokenOf(line: string): string {
  const text = line.trim()
  return text.startsWith('#') ? '' : text.replace(/^sso=/, '').replace(/;$/, '')
}
