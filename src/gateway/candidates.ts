import type { ImageJob } from '../../contract/job.ts'
import { createPersonalProvider, personalAccount } from '../providers/personal.ts'
import type { Account } from '../providers/provider.ts'
import type { Credential } from './credential.ts'
import type { Gateway } from './gateway.ts'
import { able, type Candidate, candidateOf, route } from './route.ts'

/** With what a job is asked for. */
export interface Means {
  /** The caller's own key. */
  credential?: Credential | undefined
  /** The pool of keys that the caller is bound to. */
  pool?: string | undefined
}

/** Who is asked for a job, preferred first; with a caller's own key, those with whom it is good. Throws like {@link route}. */
export function candidatesFor(
  gateway: Gateway,
  job: ImageJob,
  { credential, pool }: Means,
): readonly Candidate[] {
  if (credential === undefined) return withinPool(gateway, route(gateway, job).candidates, pool)
  const { apiKey, apiBase } = credential
  const listing = apiBase === undefined ? gateway.providers.listing(job.model) : []
  if (listing.length > 0) {
    const account = personalAccount(apiKey)
    return able(
      gateway,
      job,
      listing.map((provider) => withAccount(gateway, candidateOf(provider, job.model), account)),
    )
  }
  const { generationTimeout: timeout, allowPrivateUpstreams: allowPrivate } = gateway.settings
  const personal = createPersonalProvider({ model: job.model, apiKey, apiBase, timeout, allowPrivate })
  return able(gateway, job, [{ ...candidateOf(personal, job.model), account: personalAccount(apiKey) }])
}

/** Those that have keys in a pool; where none has any, the first one, to say so. */
export function withinPool<One extends Candidate>(
  { accounts }: Pick<Gateway, 'accounts'>,
  candidates: readonly One[],
  pool: string | undefined,
): readonly One[] {
  if (pool === undefined) return candidates
  const bound = candidates.map((candidate) => ({ ...candidate, pool }))
  const within = bound.filter(({ provider }) => accounts.has(provider, pool))
  return within.length > 0 ? within : bound.slice(0, 1)
}

/** A provider that takes no keys, such as the demo painter, has no use for a caller's. */
const withAccount = ({ accounts }: Gateway, candidate: Candidate, account: Account): Candidate =>
  accounts.takesKeys(candidate.provider) ? { ...candidate, account } : candidate
