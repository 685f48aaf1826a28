import { AppError } from '../base/error.ts'
import { Spooled, SpooledText } from '../bytes/spooled.ts'

/** Deeper values overflow the stack of older engines when they are written as JSON. */
const DEEPEST = 100

/**
 * Whether a parameter that we do not know may travel along in a job: it is kept as JSON in the row of the task, so pictures
 * have no place in it. `pictures` says where they are taken. Errors name `param`.
 */
export function checkExtra(param: string, value: unknown, pictures: string): void {
  let level = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) throw invalid(param, `it is nested deeper than ${DEEPEST} levels.`)
    if (level.some((item) => item instanceof Spooled || item instanceof SpooledText))
      throw invalid(param, `pictures are taken as ${pictures} only.`)
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
}

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
