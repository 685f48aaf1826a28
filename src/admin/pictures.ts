import { hashFile } from '../bytes/lines.ts'
import type { Spool } from '../bytes/spool.ts'
import { pictureKey, type Storage } from '../storage/storage.ts'

/** A picture by the facts in its row. */
export interface Picture {
  sha256: string
  mime: string
  bytes: number
}

/** Reads the facts from a row of `blob` in a backup. */
export function pictureOf(line: string): Picture {
  const { sha256, mime, bytes } = JSON.parse(line) as Picture
  return { sha256, mime, bytes }
}

/**
 * Puts a picture from one storage into another, unless it is there: by a second name for the same file where both lie on one
 * file system, since pictures never change. False where it is missing.
 *
 * @throws where `verified` and the bytes are not what the name says
 */
export async function carryPicture(
  picture: Picture,
  { from, to, spool, verified = false }: { from: Storage; to: Storage; spool: Spool; verified?: boolean },
): Promise<boolean> {
  const key = pictureKey(picture.sha256, picture.mime)
  if ((await to.stat(key))?.bytes === picture.bytes) return true
  const path = await from.localPath(key)
  if (path !== undefined) return link(picture, { key, path, from, to, verified })
  const opened = await from.open(key)
  if (opened === undefined) return false
  const spooled = await spool.receive(opened.stream())
  if (spooled.sha256 !== picture.sha256) throw damaged(key)
  await to.put(key, spooled)
  return true
}

/** A purge may take the file away between two steps. */
async function link(
  { sha256, bytes }: Picture,
  {
    key,
    path,
    from,
    to,
    verified,
  }: { key: string; path: string; from: Storage; to: Storage; verified: boolean },
): Promise<boolean> {
  try {
    if (verified && (await hashFile(path)) !== sha256) throw damaged(key)
    await to.put(key, { path, bytes, sha256 })
    return true
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT' && (await from.stat(key)) === undefined
    if (isGone) return false
    throw error
  }
}

const damaged = (key: string) =>
  new Error(`the picture ${key} is damaged: its bytes are not what its name says`)
