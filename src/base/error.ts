import { ERRORS, type ErrorCode, type ErrorRow } from '../../contract/errors.ts'

export interface AppErrorOptions {
  /** The caller's name for the field to blame, e.g. `images[0].image_url`. */
  param?: string
  /** Values for the placeholders of the message. */
  values?: Record<string, string | number>
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  retryAfter?: number
  /** The upstream's own code, where it says more than ours; goes out instead of it. */
  upstreamCode?: string
  cause?: unknown
}

/** The one error that leaves the process on purpose. Its code names a row of the error table. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly param: string | undefined
  readonly retryAfter: number | undefined
  readonly upstreamCode: string | undefined
  readonly #values: Record<string, string | number>

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    const values = { ...(options.param === undefined ? {} : { param: options.param }), ...options.values }
    super(fill(ERRORS[code].en, values), { cause: options.cause })
    this.code = code
    this.param = options.param
    this.retryAfter = options.retryAfter
    this.upstreamCode = options.upstreamCode
    this.#values = values
  }

  get row(): ErrorRow {
    return ERRORS[this.code]
  }

  /** The message in the reader's language. */
  text(language: 'en' | 'zh'): string {
    return fill(this.row[language], this.#values)
  }

  /** Plain data, so that a failed task can say the same thing again after a restart. */
  toJSON(): StoredError {
    return {
      code: this.code,
      param: this.param,
      retryAfter: this.retryAfter,
      upstreamCode: this.upstreamCode,
      values: this.#values,
    }
  }

  static fromJSON(stored: StoredError): AppError {
    const { code, ...options } = stored
    return new AppError(code, options)
  }
}

/** An {@link AppError} as kept in a row. */
export interface StoredError extends Omit<AppErrorOptions, 'cause'> {
  code: ErrorCode
}

/** Any thrown value as an {@link AppError}; what we did not foresee becomes `server_error` with the cause kept for the log. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (isDiskFull(error)) return new AppError('insufficient_storage', { cause: error })
  return new AppError('server_error', { cause: error })
}

/** `errcode` is SQLite's own number: 13 is SQLITE_FULL. */
function isDiskFull(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown }
  return code === 'ENOSPC' || code === 'EDQUOT' || errcode === 13
}

function fill(text: string, values: Record<string, string | number>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}
