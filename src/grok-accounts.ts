import { readFile } from 'node:fs/promises'
import { accountsIn } from './providers/grok/accounts.ts'
import type { Account } from './providers/provider.ts'

/** The accounts of a file with session tokens; none where there is no such file. */
export async function readGrokAccounts(file: string): Promise<Account[]> {
  try {
    return accountsIn(await readFile(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new Error(`SSO_FILE ${file}: ${(error as Error).message}`)
  }
}
