import type { ImageJob, Warning } from '../../contract/job.ts'
import { ProviderError } from './provider-error.ts'

/** What to throw for a job that a model cannot do at all; nothing was sent. */
export function cannot(param: string, detail: string): ProviderError {
  return new ProviderError('bad_param', { param, detail, code: 'unsupported_operation', maybePaid: false })
}

/** What to say of a parameter, or of one value of it, that does not reach the upstream. */
export function notTaken(param: string, value?: string): Warning {
  const what = value === undefined ? 'this parameter' : `the value "${value}"`
  return { param, message: `The model does not take ${what}; it was not sent.` }
}

/** The words to draw from; a variation has none of its own. */
export function promptOf(job: ImageJob): string {
  return job.prompt === '' && job.kind === 'variation' ? VARIATION_PROMPT : job.prompt
}

export const VARIATION_BY_EDIT: Warning = {
  message: 'The model has no variations of its own, so the picture was edited instead.',
}

const VARIATION_PROMPT = 'Make a variation of this picture: keep its subject and style, change the details.'
