import type { ErrorCode } from '../../../contract/errors.ts'
import { AppError } from '../../base/error.ts'

/** The general words of a group of routes, in place of the particular ones that go into `detail`. */
export interface GeneralWords {
  /** For whatever is wrong with a request. */
  invalid: ErrorCode
  /** For what is wrong with one field, where it has words of its own. */
  fields?: Readonly<Record<string, ErrorCode>>
  /** What keeps its own words. */
  keep?: readonly ErrorCode[]
  /** For what went wrong here. */
  fault?: ErrorCode
}

/** Says an error in the general words of its routes. */
export const inWordsOf =
  ({ invalid, fields = {}, keep = [], fault }: GeneralWords) =>
  (error: AppError): AppError => {
    const { param } = error
    if (keep.includes(error.code)) return error
    const own = param === undefined ? undefined : fields[param]
    if (param !== undefined && own !== undefined) return new AppError(own, { param, cause: error })
    if (BAD_REQUEST.has(error.code) || error.row.status === 400)
      return new AppError(invalid, { ...(param === undefined ? {} : { param }), cause: error })
    return fault !== undefined && error.code === 'server_error'
      ? new AppError(fault, { cause: error.cause })
      : error
  }

/** Bad requests whose own status would say something else here. */
const BAD_REQUEST: ReadonlySet<ErrorCode> = new Set(['model_not_found', 'request_too_large'])
