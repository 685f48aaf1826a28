import type { ImageJob } from '../../contract/job.ts'
import { AppError } from '../base/error.ts'
import type { ProviderList } from '../providers/list.ts'
import type { Account, Capabilities, Inputs, Plan, Provider } from '../providers/provider.ts'
import { LANCZOS } from '../providers/upscale/resizer.ts'
import { upscaling } from '../providers/upscale/upscaling.ts'
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
export function route(gateway: Pick<Gateway, 'providers' | 'settings' | 'resizer'>, job: ImageJob): Routed {
  const model = job.model === gateway.settings.alias ? gateway.providers.preferred() : job.model
  return {
    job,
    candidates: able(
      gateway,
      job,
      gateway.providers.serving(model).map((provider) => candidateOf(provider, model)),
    ),
  }
}

/** Those who can do a job. An upscale can always be done: where no model does it, by the resizer. @throws AppError when none can */
export function able(
  { providers, resizer }: Pick<Gateway, 'providers' | 'resizer'>,
  job: ImageJob,
  serving: readonly Candidate[],
): readonly Candidate[] {
  if (serving.length === 0)
    throw new AppError('model_not_found', { param: 'model', values: { model: job.model } })
  const candidates = serving.filter(({ capabilities }) => obstacle(job, capabilities) === undefined)
  if (job.edit?.mode === 'upscale') {
    const models = candidates.map((one) => ({ ...one, provider: upscaling(one.provider, resizer) }))
    return [...models, candidateOf(resizer, LANCZOS)]
  }
  const [first] = serving
  if (candidates.length === 0 && first) {
    const detail = `${obstacle(job, first.capabilities)}${otherModels(providers, job)}`
    throw new AppError('unsupported_operation', { param: 'model', values: { model: job.model, detail } })
  }
  return candidates
}

/** What will be asked of a candidate for the first `n` pictures of a job. Its prompt is here what is to be sent. */
export function planFor(candidate: Candidate, job: ImageJob, inputs: Inputs, n: number): Plan {
  const { sentPrompt: prompt = job.prompt } = job
  return candidate.provider.plan({ job: { ...job, prompt, n }, model: candidate.model, inputs })
}

/** The job as it is asked for at one place, where each picture is asked for by itself. */
export const jobAt = (job: ImageJob, position: number): ImageJob =>
  job.oneByOne && job.seed !== undefined ? { ...job, seed: job.seed + position } : job

/** Most models that an error names. */
const NAMED = 5

/** The public models that can do what this one cannot. */
function otherModels(providers: ProviderList, job: ImageJob): string {
  const able = providers
    .models()
    .map(({ id }) => id)
    .filter((id) =>
      providers.serving(id).some((provider) => obstacle(job, provider.capabilities(id)) === undefined),
    )
  if (able.length === 0) return ' No model here can.'
  return ` Models that can: ${able.slice(0, NAMED).join(', ')}${able.length > NAMED ? ', …' : '.'}`
}

function obstacle(job: ImageJob, capabilities: Capabilities): string | undefined {
  if (!capabilities.draws) return 'it only writes.'
  if (job.kind === 'generate') return undefined
  if (job.kind === 'variation' && capabilities.supports.variation) return undefined
  if (capabilities.maxReferences === 0) return 'it draws from words only and takes no pictures.'
  return undefined
}
