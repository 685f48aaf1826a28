import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { hashFile, readLines, type WrittenLines, writeLines } from '../bytes/lines.ts'
import { openLocalStorage } from '../storage/local.ts'
import type { Storage } from '../storage/storage.ts'

/** What a backup says about itself. */
export const Manifest = Type.Object({
  format: Type.Literal(1),
  id: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
  /** Ms since the epoch. */
  createdAt: Type.Integer(),
  /** The last migration of the database. */
  migration: Type.String(),
  tables: Type.Array(
    Type.Object({
      name: Type.String({ pattern: '^[a-z][a-z0-9_]*$' }),
      rows: Type.Integer(),
      bytes: Type.Integer(),
      /** Hex digest of the file. */
      sha256: Type.String(),
      /** Of the rows, in whatever order. */
      checksum: Type.String(),
    }),
  ),
  pictures: Type.Object({ count: Type.Integer(), bytes: Type.Integer() }),
  /** Pictures whose files were gone when the backup was made. */
  missing: Type.Array(Type.String()),
})
export type Manifest = Static<typeof Manifest>

/**
 * A folder with one backup: `manifest.json`, `rows/<id>/<table>.jsonl`, `images/` and perhaps `secret.key`. The manifest is
 * written last, so that a backup that was cut leaves the one before as it was.
 */
export interface BackupFolder {
  path: string
  /** Pictures, under the same keys as in a storage of originals. */
  images: Storage
  /** @throws an error that says why it is none */
  manifest(): Promise<Manifest>
  /** Makes a backup the one of this folder, and removes the rows of the one before. */
  finish(manifest: Manifest): Promise<void>
  writeRows(id: string, table: string, lines: AsyncIterable<string>): Promise<WrittenLines>
  rows(id: string, table: string): AsyncIterable<string>
  hashRows(id: string, table: string): Promise<string>
  putSecretKey(from: string): Promise<void>
  secretKey(): Promise<Buffer | undefined>
}

/**
 * Opens a folder to write a backup into, which is made when it is missing. It may hold an earlier backup: pictures that are
 * there already are not copied again.
 *
 * @throws where the folder holds something else
 */
export async function openBackupFolder(directory: string): Promise<BackupFolder> {
  const path = resolve(directory)
  await mkdir(path, { recursive: true, mode: 0o700 })
  const strange = (await readdir(path)).find((name) => !OWN.has(name))
  if (strange !== undefined) {
    throw new Error(
      `${path} is no backup and not empty: it holds "${strange}". Name a new folder or an earlier backup.`,
    )
  }
  return backupFolder(path, await openLocalStorage(join(path, 'images')))
}

/** Opens a finished backup. @throws an error that says why it is none */
export async function readBackupFolder(directory: string): Promise<BackupFolder> {
  const path = resolve(directory)
  await readManifest(path)
  return backupFolder(path, await openLocalStorage(join(path, 'images')))
}

const MANIFEST = 'manifest.json'
const SECRET_KEY = 'secret.key'
const OWN: ReadonlySet<string> = new Set([MANIFEST, `${MANIFEST}.new`, SECRET_KEY, 'rows', 'images', 'spool'])

function backupFolder(path: string, images: Storage): BackupFolder {
  const rowsOf = (id: string, table: string) => join(path, 'rows', id, `${table}.jsonl`)
  return {
    path,
    images,
    manifest: () => readManifest(path),
    finish: (manifest) => finish(path, manifest),
    writeRows: async (id, table, lines) => {
      await mkdir(join(path, 'rows', id), { recursive: true, mode: 0o700 })
      return writeLines(rowsOf(id, table), lines)
    },
    rows: (id, table) => readLines(rowsOf(id, table)),
    hashRows: (id, table) => hashFile(rowsOf(id, table)),
    putSecretKey: (from) => copyFile(from, join(path, SECRET_KEY)),
    secretKey: () => unlessMissing(readFile(join(path, SECRET_KEY))),
  }
}

async function readManifest(path: string): Promise<Manifest> {
  const text = await unlessMissing(readFile(join(path, MANIFEST), 'utf8'))
  if (text === undefined) throw new Error(`${path} holds no finished backup: there is no ${MANIFEST}`)
  const manifest = parse(text)
  if (!Value.Check(Manifest, manifest)) {
    throw new Error(`${join(path, MANIFEST)} is damaged, or of another version of Pictor`)
  }
  return manifest
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function finish(path: string, manifest: Manifest): Promise<void> {
  const half = join(path, `${MANIFEST}.new`)
  await writeLines(half, lines([JSON.stringify(manifest, undefined, 2)]))
  await rename(half, join(path, MANIFEST))
  for (const name of await readdir(join(path, 'rows'))) {
    if (name !== manifest.id) await rm(join(path, 'rows', name), { recursive: true, force: true })
  }
}

async function* lines(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts
}

async function unlessMissing<Result>(found: Promise<Result>): Promise<Result | undefined> {
  try {
    return await found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
