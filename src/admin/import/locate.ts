import { stat } from 'node:fs/promises'
import { basename, join, relative, resolve, sep } from 'node:path'

/** Where the products keep pictures below the folder that people name. */
const PLACES = ['', 'images', 'image', 'storage/images', 'data/images', 'files']

/** A file on the disk. */
export interface Located {
  path: string
  /** Ms since the epoch. */
  modifiedAt: number
}

/**
 * Finds the file that a record names: by its path from the folder, else by its name in the usual places. Never outside the
 * folder, whatever the record says.
 */
export async function locate(folder: string, file: string): Promise<Located | undefined> {
  const root = resolve(folder)
  const given = file.replaceAll('\\', '/').replace(/^[a-z]:\/|^\/+/i, '')
  const name = basename(given)
  for (const path of [join(root, given), ...PLACES.map((place) => join(root, place, name))]) {
    if (!isInside(root, path)) continue
    const facts = await stat(path).catch(() => undefined)
    if (facts?.isFile()) return { path, modifiedAt: Math.trunc(facts.mtimeMs) }
  }
  return undefined
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`)
}
