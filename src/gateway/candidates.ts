import type { ImageJob } from '../../contract/job.ts'
import { createPersonalProvider, personalAccount } from '../providers/personal.ts'
import type { Account, Provider } from '../providers/provider.ts'
import type { Credential } from './credential.ts'
import type { Gateway } from './gateway.ts'
import { able, type Candidate, candidateOf, route } from './route.ts'

/** Who is asked for a job, preferred first; with a caller's own key, those with whom it is good. Throws like {@link route}. */
export function candidatesFor(
  gateway: Gateway,
  job: ImageJob,
  credential: Credential | undefined,
): readonly Candidate[] {
  if (credential === undefined) return route(gateway, job).candidates
  const { apiKey, apiBase } = credential
  const listing = apiBase === undefined ? gateway.providers.listing(job.model) : []
  if (listing.length > 0) {
    const account = personalAccount(apiKey)
    return able(
      gateway,
      job,
      listing.map((provider) => withAccount(candidateOf(provider, job.model), account)),
    )
  }
  const { generationTimeout: timeout, allowPrivateUpstreams: allowPrivate } = gateway.settings
  const personal = createPersonalProvider({ model: job.model, apiKey, apiBase, timeout, allowPrivate })
  return able(gateway, job, [candidateOf(personal, job.model)])
}

/** A provider that takes no keys, such as the demo painter, has no use for a caller's. */
const withAccount = (candidate: Candidate, account: Account): Candidate =>
  takesKeys(candidate.provider) ? { ...candidate, accounts: [account] } : candidate

const takesKeys = ({ accounts }: Provider): boolean => accounts.some(({ secret }) => secret !== '')
