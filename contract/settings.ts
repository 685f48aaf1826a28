import { type Static, Type } from 'typebox'

/*
 * Settings that can be changed while the server runs. What the environment sets wins.
 */

export const UPSTREAM_MODES = ['auto', 'relay', 'direct'] as const
export type UpstreamMode = (typeof UPSTREAM_MODES)[number]

/** Every setting with its values. */
export const Settings = Type.Object({
  mode: Type.Enum([...UPSTREAM_MODES], {
    description:
      'Which upstreams are asked: `auto` all of them, each standing in for the one before; `relay` only the relay; `direct` all but the relay.',
  }),
  provider_order: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
    maxItems: 50,
    uniqueItems: true,
    description: 'Names of upstreams, preferred first; those that are not named come after them.',
  }),
})
export type Settings = Static<typeof Settings>
export type SettingName = keyof Settings

/** Some settings, to be changed. */
export const SettingsChange = Type.Partial(Settings)
export type SettingsChange = Static<typeof SettingsChange>

/** What each one is, and by which environment variable it is locked. */
export const SettingsReply = Type.Object({
  settings: Settings,
  locked: Type.Partial(Type.Record(Type.Enum(['mode', 'provider_order']), Type.String())),
  /** What can be named in `provider_order`. */
  providers: Type.Array(Type.String()),
})
export type SettingsReply = Static<typeof SettingsReply>
