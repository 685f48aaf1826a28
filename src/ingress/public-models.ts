import type { Gateway } from '../gateway/gateway.ts'
import type { ModelInfo } from '../providers/provider.ts'

/** What can be asked for: the gateway's alias first, then every public model. */
export function publicModels({ settings, providers }: Gateway): ModelInfo[] {
  const alias: ModelInfo = { id: settings.alias, created: 0, ownedBy: 'pictor' }
  return [alias, ...providers.models().filter((model) => model.id !== alias.id)]
}
