import type { Capabilities, ModelInfo, Provider } from './provider.ts'

/** The providers that can be asked now, in the order in which they are preferred. */
export interface ProviderList {
  readonly all: readonly Provider[]
  /** Providers that serve a public model: those that list it before those that only may have it, preferred first. */
  serving(model: string): Provider[]
  /** Providers that have a public model in their list, preferred first. */
  listing(model: string): Provider[]
  /** Every public model once; the first provider that has it names it. */
  models(): ModelInfo[]
  /** The first model that draws: what the gateway's own alias stands for where a picture is wanted. */
  preferred(): string
  /** The first model that only writes; undefined where there is none. */
  chatting(): string | undefined
}

/** @param isOpen whether a provider can be asked: one whose keys all come from elsewhere may have none at times */
export function createProviderList(
  configured: readonly Provider[],
  isOpen: (provider: Provider) => boolean = () => true,
): ProviderList {
  const all = () => configured.filter(isOpen)
  const models = () => {
    const first = new Map<string, ModelInfo>()
    for (const model of all().flatMap((provider) => provider.models()))
      if (!first.has(model.id)) first.set(model.id, model)
    return [...first.values()]
  }
  const firstThat = (isRight: (capabilities: Capabilities) => boolean): string | undefined =>
    all()
      .flatMap((provider) => provider.models().map(({ id }) => ({ id, provider })))
      .find(({ id, provider }) => isRight(provider.capabilities(id)))?.id
  return {
    get all() {
      return all()
    },
    serving: (model) => {
      const able = all().filter((provider) => provider.serves(model))
      const [named, guessed] = [able.filter(names(model)), able.filter((provider) => !names(model)(provider))]
      return [...named, ...guessed]
    },
    listing: (model) => all().filter(names(model)),
    models,
    preferred: () => firstThat(({ draws }) => draws) ?? '',
    chatting: () => firstThat(({ kind, draws }) => kind === 'chat' && !draws),
  }
}

const names = (model: string) => (provider: Provider) => idsOf(provider.models()).has(model)

/** The ids of a list; the same list is asked for with every request, and may hold hundreds. */
function idsOf(models: readonly ModelInfo[]): ReadonlySet<string> {
  const known = idSets.get(models) ?? new Set(models.map(({ id }) => id))
  idSets.set(models, known)
  return known
}

const idSets = new WeakMap<readonly ModelInfo[], ReadonlySet<string>>()
