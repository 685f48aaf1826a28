/** Whether a statement failed because a row with the same unique key is there already. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? error.code : undefined
  const sqliteCode = 'errcode' in error ? error.errcode : undefined
  return UNIQUE_VIOLATIONS.has(code) || UNIQUE_VIOLATIONS.has(sqliteCode)
}

/**
 * PostgreSQL `unique_violation`; MySQL `ER_DUP_ENTRY`; SQLite `SQLITE_CONSTRAINT_PRIMARYKEY`, `SQLITE_CONSTRAINT_UNIQUE`.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html, https://sqlite.org/rescode.html
 */
const UNIQUE_VIOLATIONS: ReadonlySet<unknown> = new Set(['23505', 'ER_DUP_ENTRY', 1555, 2067])
