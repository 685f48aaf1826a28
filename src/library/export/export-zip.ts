import type { StoredImage } from '../../../contract/image.ts'
import type { Spool, SpoolWriter } from '../../bytes/spool.ts'
import { pictureKey } from '../../storage/storage.ts'
import type { Library } from '../library.ts'
import { type KeptFile, keptText, openKept } from './kept-file.ts'
import { loadExported } from './load-exported.ts'
import { manifestLine } from './manifest.ts'
import { uniqueNames } from './names.ts'
import { writeZip, type ZipFile } from './write-zip.ts'

export interface ExportRequest {
  owner: string
  /** Pictures in the order in which they shall stand in the archive, each once. */
  ids: readonly string[]
  /** Where the manifest waits until the pictures are through: with long prompts it is too long for the memory. */
  spool: Spool
}

/**
 * Pictures of an owner as a ZIP archive: the files, `manifest.jsonl` with the recipe of each, and, where some could not be
 * had, `missing.txt` with their ids. One file is open at a time, all go through one buffer, and few rows are in memory,
 * so thousands of pictures take no more of it than some.
 *
 * Each chunk is good until the next one is asked for: whoever sends it must wait until it is sent.
 */
export const exportZip = (library: Library, request: ExportRequest): AsyncGenerator<Uint8Array> =>
  writeZip(filesOf(library, request))

/** Most pictures fit, and are read once only. */
const BUFFER = 2 * 1024 * 1024

const MAX_MANIFEST = 4 * 1024 ** 3

async function* filesOf(library: Library, { owner, ids, spool }: ExportRequest): AsyncGenerator<ZipFile> {
  const buffer = Buffer.allocUnsafeSlow(BUFFER)
  const nameOf = uniqueNames()
  const manifest = spool.writer({ limit: MAX_MANIFEST })
  const missing: string[] = []
  for await (const { id, image, job } of loadExported(library, owner, ids)) {
    await using file = image && (await openPicture(library, image, buffer))
    if (image === undefined || file === undefined) {
      missing.push(id)
      continue
    }
    const name = nameOf(image)
    yield { ...file, name, modifiedAt: image.createdAt }
    await write(manifest, manifestLine(image, name, job))
  }
  const modifiedAt = library.clock.now()
  await using list = await finished(manifest, buffer)
  yield { ...list, name: 'manifest.jsonl', modifiedAt }
  if (missing.length > 0) yield { ...keptText(toLines(missing)), name: 'missing.txt', modifiedAt }
}

/** A file that is gone, cut short or cannot be read costs the archive this picture only. */
async function openPicture(
  { originals, log }: Library,
  { id, sha256, mime, bytes }: StoredImage,
  buffer: Buffer,
): Promise<KeptFile | undefined> {
  try {
    const path = await originals.localPath(pictureKey(sha256, mime))
    return path === undefined ? undefined : await openKept(path, bytes, buffer)
  } catch (error) {
    log.warn({ err: error, image: id }, 'a picture could not be exported')
    return undefined
  }
}

async function write(writer: SpoolWriter, text: string): Promise<void> {
  const wait = writer.write(Buffer.from(text))
  if (wait !== undefined) await wait
}

async function finished(writer: SpoolWriter, buffer: Buffer): Promise<KeptFile> {
  const { path, bytes } = await writer.finish()
  const file = await openKept(path, bytes, buffer)
  if (file === undefined) throw new Error('the manifest is not as long as it was')
  return file
}

/** The ids are the caller's words; each keeps to its line. */
const toLines = (ids: readonly string[]) => ids.map((id) => `${id.replaceAll(/\p{C}/gu, '?')}\n`).join('')
