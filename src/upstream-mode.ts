import type { Settings, SettingsChange, UpstreamMode } from '../contract/settings.ts'
import type { FromEnvironment } from './admin/settings.ts'
import { AppError } from './base/error.ts'
import type { Config } from './config.ts'
import type { ProviderList } from './providers/list.ts'

/** Name of the provider that is a relay. */
export const RELAY = 'relay'

/** Asked in every mode: it costs nothing and draws only what is asked of it by name. */
const DEMO = 'demo'

/** What the environment says of the mode and the order of the upstreams. `RELAY_ENABLED=false` leaves only one mode. */
export function upstreamSettings({ mode, providerOrder, relayDisabled }: Config): FromEnvironment {
  return {
    ...(mode && { mode: { value: mode, variable: 'UPSTREAM_MODE' } }),
    ...(relayDisabled && { mode: { value: 'direct' as const, variable: 'RELAY_ENABLED' } }),
    ...(providerOrder && {
      provider_order: { value: [...providerOrder], variable: 'PROVIDER_ORDER' },
    }),
  }
}

/** Puts mode and order into effect. */
export function arrangeUpstreams(providers: ProviderList, settings: Settings): void {
  const asked = namesIn(providers, modeInEffect(providers, settings))
  const disabled = namesIn(providers, 'auto').filter((name) => !asked.includes(name))
  providers.arrange({ order: settings.provider_order, disabled })
}

/** The mode that holds: one that no upstream belongs to any more would leave nobody to ask, so it counts as `auto`. */
export const modeInEffect = (providers: ProviderList, { mode }: Settings): UpstreamMode =>
  namesIn(providers, mode).length === 0 ? 'auto' : mode

/** Whether there is what a change names. @throws {AppError} `invalid_value` */
export function checkUpstreams(providers: ProviderList, { mode, provider_order }: SettingsChange): void {
  if (mode !== undefined && mode !== 'auto' && namesIn(providers, mode).length === 0)
    throw invalid('mode', `no upstream of this kind is configured, so '${mode}' would leave none to ask.`)
  const names = providers.all.map(({ name }) => name)
  const unknown = provider_order?.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw invalid('provider_order', `'${unknown}' is not one of ${names.join(', ')}.`)
}

/** The upstreams that belong to a mode. */
function namesIn(providers: ProviderList, mode: UpstreamMode): string[] {
  const upstreams = providers.all.map(({ name }) => name).filter((name) => name !== DEMO)
  if (mode === 'auto') return upstreams
  return upstreams.filter((name) => (name === RELAY) === (mode === 'relay'))
}

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
