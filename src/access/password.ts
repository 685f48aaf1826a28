import { hash, verify } from '@node-rs/argon2'

/**
 * Argon2id, as OWASP asks for at least: 19 MiB of memory and two passes, some 20 ms. Argon2id is the library's default.
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
 */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The hash of a password, with its salt and its cost, as text. Worked out on another thread. */
export const hashPassword = (password: string): Promise<string> => hash(normalized(password), COST)

/** Whether a password is the one of a hash. Worked out on another thread. */
export const isPassword = (password: string, hashed: string): Promise<boolean> =>
  verify(hashed, normalized(password))

/** Keyboards differ in how they write the same letter. */
const normalized = (password: string): string => password.normalize('NFC')
