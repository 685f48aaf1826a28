import type { Capabilities, ModelInfo, Provider } from './provider.ts'

/**
 * The configured providers. Those that are in use are asked in the order in which they are preferred; order and use can be
 * changed at any time, and a job that has its candidates already keeps them.
 */
export interface ProviderList {
  /** Every one that is configured, in use or not, in the order of the configuration. */
  readonly all: readonly Provider[]
  /** Those in use, preferred first. */
  readonly inUse: readonly Provider[]
  /** Puts an arrangement into effect in place of the one before. */
  arrange(arrangement: Arrangement): void
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

export interface Arrangement {
  /** Names, preferred first; who is not named comes after them, in the order of the configuration. Unknown names mean nothing. */
  order: readonly string[]
  /** Names of those that are not asked. */
  disabled: readonly string[]
}

/** @param isOpen whether a provider can be asked: one whose keys all come from elsewhere may have none at times */
export function createProviderList(
  all: readonly Provider[],
  isOpen: (provider: Provider) => boolean = () => true,
): ProviderList {
  let arranged = all
  const inUse = () => arranged.filter(isOpen)
  const models = () => {
    const first = new Map<string, ModelInfo>()
    for (const model of inUse().flatMap((provider) => provider.models()))
      if (!first.has(model.id)) first.set(model.id, model)
    return [...first.values()]
  }
  const firstThat = (isRight: (capabilities: Capabilities) => boolean): string | undefined =>
    inUse()
      .flatMap((provider) => provider.models().map(({ id }) => ({ id, provider })))
      .find(({ id, provider }) => isRight(provider.capabilities(id)))?.id
  return {
    all,
    get inUse() {
      return inUse()
    },
    arrange: ({ order, disabled }) => {
      const place = ({ name }: Provider) => (order.includes(name) ? order.indexOf(name) : order.length)
      arranged = all
        .filter(({ name }) => !disabled.includes(name))
        .toSorted((one, other) => place(one) - place(other))
    },
    serving: (model) => {
      const able = inUse().filter((provider) => provider.serves(model))
      const [named, guessed] = [able.filter(names(model)), able.filter((provider) => !names(model)(provider))]
      return [...named, ...guessed]
    },
    listing: (model) => inUse().filter(names(model)),
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
