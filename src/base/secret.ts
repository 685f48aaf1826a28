import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

const KEY_BYTES = 32

/**
 * The key of 32 bytes that protects what is stored encrypted or signed: made from `SECRET_KEY` where that is set,
 * else read from `secret.key` in the data directory, where it is made once, readable by its owner alone.
 */
export async function loadSecretKey(config: { secretKey?: string; dataDirectory: string }): Promise<Buffer> {
  if (config.secretKey) return createHash('sha256').update(config.secretKey).digest()
  const path = join(config.dataDirectory, 'secret.key')
  return (await readKey(path)) ?? (await makeKey(path, config.dataDirectory))
}

/**
 * Puts a key of a backup back where {@link loadSecretKey} finds it. False where another key is there, which stays unless
 * `replace`.
 */
export async function restoreSecretKey(
  { dataDirectory }: { dataDirectory: string },
  key: Buffer,
  replace: boolean,
): Promise<boolean> {
  const path = join(dataDirectory, 'secret.key')
  const present = await readKey(path)
  if (present?.equals(key)) return true
  if (present && !replace) return false
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  await writeDurably(temporary, key)
  await rename(temporary, path)
  return true
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const key = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Error(`${path} cannot be read (${error.code})`, { cause: error })
  })
  if (key && key.length !== KEY_BYTES) {
    throw new Error(
      `${path} is damaged: it holds ${key.length} bytes instead of ${KEY_BYTES}. ` +
        'Put it back from a backup, or delete it to have a new one made (what was encrypted with it is then lost).',
    )
  }
  return key
}

/** Written under another name first and linked: a crash leaves no half key, and of two processes both get the first one's. */
async function makeKey(path: string, directory: string): Promise<Buffer> {
  await mkdir(directory, { recursive: true })
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  await writeDurably(temporary, randomBytes(KEY_BYTES))
  try {
    await link(temporary, path)
  } catch (error) {
    // Some file systems (exFAT, network shares) have no links; there the last of two starting processes wins.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  const key = await readKey(path)
  if (!key) throw new Error(`${path} vanished while it was made`)
  return key
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(bytes)
  await file.sync()
}
