import { AppError } from '../base/error.ts'

/** The bytes of a picture are nowhere. */
export const missing = (sha256: string): AppError =>
  new AppError('object_missing', { cause: new Error(`the file of picture ${sha256} is missing`) })
