import type { Account } from './provider.ts'

/** The keys of a configuration as accounts; one without a secret where the upstream wants no key. */
export function accountsFor(provider: string, apiKeys: readonly string[]): Account[] {
  return (apiKeys.length === 0 ? [''] : apiKeys).map((secret, index) => ({
    id: `${provider}:${index + 1}`,
    secret,
  }))
}
