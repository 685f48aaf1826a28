import type { ImageJob } from '../../contract/job.ts'
import { AppError } from '../base/error.ts'
import type { Account, Capabilities, Inputs, Plan, Provider } from '../providers/provider.ts'
import type { Gateway } from './gateway.ts'

/** A provider that can do the job, and the name it knows the model by. */
export interface Candidate {
  provider: Provider
  model: string
  capabilities: Capabilities
  /** The caller's own key, in place of ours. */
  account?: Account | undefined
  /** The pool of our keys from which one is chosen. */
  pool?: string | undefined
}

/** A provider as a candidate with keys of ours. */
export const candidateOf = (provider: Provider, model: string): Candidate => ({
  provider,
  model,
  capabilities: provider.capabilities(model),
})

/** The job with those who can do it, preferred first; never empty. */
export interface Routed {
  job: ImageJob
  candidates: readonly Candidate[]
}

/**
 * Finds who can do a job. Throws `model_not_found` for a model that nobody serves, and
 * `unsupported_operation` for one whose providers cannot do this kind of job.
 */
export function route(gateway: Pick<Gateway, 'providers' | 'settings'>, job: ImageJob): Routed {
  const model = job.model === gateway.settings.alias ? gateway.providers.preferred() : job.model
  return {
    job,
    candidates: able(
      job,
      gateway.providers.serving(model).map((provider) => candidateOf(provider, model)),
    ),
  }
}

/** Those who can do a job. @throws AppError when none can */
export function able(job: ImageJob, serving: readonly Candidate[]): readonly Candidate[] {
  if (serving.length === 0)
    throw new AppError('model_not_found', { param: 'model', values: { model: job.model } })
  const candidates = serving.filter(({ capabilities }) => obstacle(job, capabilities) === undefined)
  const [first] = serving
  if (candidates.length === 0 && first) {
    const detail = obstacle(job, first.capabilities) ?? ''
    throw new AppError('unsupported_operation', { param: 'model', values: { model: job.model, detail } })
  }
  return candidates
}

/** What will be asked of a candidate for the first `n` pictures of a job. */
export function planFor(candidate: Candidate, job: ImageJob, inputs: Inputs, n: number): Plan {
  return candidate.provider.plan({ job: { ...job, n }, model: candidate.model, inputs })
}

/** The job as it is asked for at one place, where each picture is asked for by itself. */
export const jobAt = (job: ImageJob, position: number): ImageJob =>
  job.oneByOne && job.seed !== undefined ? { ...job, seed: job.seed + position } : job

function obstacle(job: ImageJob, capabilities: Capabilities): string | undefined {
  if (!capabilities.draws) return 'it only writes.'
  if (job.kind === 'generate') return undefined
  if (job.kind === 'variation' && capabilities.supports.variation) return undefined
  if (capabilities.maxReferences === 0) return 'it draws from words only and takes no pictures.'
  return undefined
}
