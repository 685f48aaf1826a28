import { constants } from 'node:fs'
import { chmod, copyFile, readFile } from 'node:fs/promises'

/**
 * Copies a file with session tokens to where the server looks for it, unless a file is there already, which stays.
 *
 * @returns how many lines look like tokens, and whether they were copied
 */
export async function importTokens(
  path: string,
  target: string,
): Promise<{ tokens: number; copied: boolean }> {
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim())
  const tokens = lines.filter((line) => line !== '' && !line.startsWith('#')).length
  try {
    await copyFile(path, target, constants.COPYFILE_EXCL)
    await chmod(target, 0o600)
    return { tokens, copied: true }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return { tokens, copied: false }
    throw error
  }
}
