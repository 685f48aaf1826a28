import type { ModelInfo } from '../provider.ts'
import { OPENAI_MODELS, traitsOf } from './capabilities.ts'
import type { FoundModel } from './discover.ts'
import {
  configuredKind,
  isForOthers,
  listedKind,
  looksLikeChatModel,
  looksLikeImageModel,
  type ModelKind,
} from './model-kind.ts'
import type { Traits } from './traits.ts'

/** What is known of the models of one upstream. */
export interface ModelList {
  /** What to offer: the configured ones first. */
  all(): readonly ModelInfo[]
  serves(model: string): boolean
  traits(model: string): Traits
  /** Takes over what the upstream lists; an empty list changes nothing. */
  learn(found: readonly FoundModel[]): void
  /** The upstream has no list: unless models are configured, everything is worth a try. */
  hasNoList(): void
}

export interface ConfiguredModels {
  fixedModels?: readonly string[] | undefined
  chatModels?: readonly string[] | undefined
}

export function createModelList({ fixedModels, chatModels = [] }: ConfiguredModels, host: string): ModelList {
  const presets = fixedModels ?? (host === 'api.openai.com' ? OPENAI_MODELS : [])
  const kindOf = (id: string): ModelKind =>
    configuredKind(id, { draws: presets.includes(id), chats: chatModels.includes(id) }, host)
  const first = new Map([...presets, ...chatModels].map((id) => entry(named(id), kindOf(id), host)))
  let known = first
  let offered = [...first.values()].map(({ info }) => info)
  let others: Others = fixedModels === undefined ? 'likely names' : 'none'

  function learn(found: readonly FoundModel[]): void {
    if (found.length === 0) return
    // What the list says goes before what the operator says, and that before the name.
    const listed = new Map(
      found.map(({ info, outputs }) =>
        entry(info, outputs === undefined ? kindOf(info.id) : listedKind(info.id, outputs, host), host),
      ),
    )
    const draws = [...listed.values()].some(({ traits }) => traits.draws)
    const keepsFirst = fixedModels !== undefined || !draws
    const kept = keepsFirst ? [...first.keys()] : [...chatModels]
    known = new Map([...kept.flatMap((id) => pair(id, listed.get(id) ?? first.get(id))), ...listed])
    const hidden = new Set(found.filter(isHidden).map(({ info }) => info.id))
    offered = [...known.values()].map(({ info }) => info).filter(({ id }) => first.has(id) || !hidden.has(id))
    if (others !== 'none') others = draws ? 'none' : 'image names'
  }

  return {
    all: () => offered,
    serves: (model) => known.has(model) || isLikely(model, others),
    traits: (model) => known.get(model)?.traits ?? traitsOf(model, host),
    learn,
    hasNoList: () => {
      if (others === 'likely names') others = 'any'
    },
  }
}

interface Known {
  info: ModelInfo
  traits: Traits
}

/** Which models that it does not list an upstream serves. */
type Others = 'none' | 'image names' | 'likely names' | 'any'

function isLikely(model: string, others: Others): boolean {
  if (others === 'any') return true
  if (others === 'none') return false
  return looksLikeImageModel(model) || (others === 'likely names' && looksLikeChatModel(model))
}

function entry(info: ModelInfo, kind: ModelKind, host: string): [string, Known] {
  return [info.id, { info, traits: traitsOf(info.id, host, kind) }]
}

function pair(id: string, known: Known | undefined): [string, Known][] {
  return known === undefined ? [] : [[id, known]]
}

function named(id: string): ModelInfo {
  return { id, created: 0, ownedBy: '' }
}

function isHidden({ info, outputs }: FoundModel): boolean {
  return isForOthers(info.id, outputs)
}
