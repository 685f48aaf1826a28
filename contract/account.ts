/** In which order the accounts of an upstream are asked (docs/accounts.md). */
export const ACCOUNT_STRATEGIES = [
  'round_robin',
  'least_used',
  'least_recent',
  'weighted',
  'hybrid',
  'priority',
] as const
export type AccountStrategy = (typeof ACCOUNT_STRATEGIES)[number]

/** `cooling`: the upstream limits it for now. `expired`: the upstream refused it. `disabled`: taken out by an administrator. */
export type AccountState = 'ready' | 'cooling' | 'expired' | 'disabled'
