import type { AccountState, AccountsState } from '../../../contract/admin-status.ts'
import type { Gateway } from '../../gateway/gateway.ts'

/** What can be said of the keys of the upstreams. They have no limits of ours, so none is used up and none begins anew. */
export async function accountsStatus({ providers }: Gateway): Promise<AccountsState> {
  const keys = providers.all
    .flatMap(({ accounts }) => accounts)
    .filter(({ secret }) => secret !== '')
    .map(
      ({ id, secret }): AccountState => ({
        id,
        key_prefix: prefixOf(secret),
        used_today: 0,
        remaining: null,
        last_used: null,
        state: 'ready',
      }),
    )
  return {
    total_keys: keys.length,
    failed_count: 0,
    strategy: 'least_recent',
    daily_limit: null,
    next_reset_timestamp: null,
    keys,
  }
}

/** Enough to tell keys apart, and never more than a quarter of one. */
const prefixOf = (secret: string): string => `${secret.slice(0, Math.min(6, Math.floor(secret.length / 4)))}…`
