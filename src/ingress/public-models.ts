import { type Allowance, mayAsk } from '../access/allowed-models.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { standsFor } from '../gateway/limits.ts'
import type { ModelInfo } from '../providers/provider.ts'

/** What a caller can ask for: the gateway's alias first, then every public model. */
export function publicModels(gateway: Gateway, allowance: Allowance): ModelInfo[] {
  const { settings, providers } = gateway
  const alias: ModelInfo = { id: settings.alias, created: 0, ownedBy: 'pictor' }
  const all = [alias, ...providers.models().filter((model) => model.id !== alias.id)]
  return all.filter(({ id }) => mayAsk(allowance, id, standsFor(gateway, id)))
}
