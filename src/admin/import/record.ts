/** A picture of another product, as its record tells of it. */
export interface ForeignImage {
  /** Its id there, or what else tells it from the others. */
  id: string
  /** Name or path of its file, as it stands in the record. */
  file: string
  prompt: string
  model: string | undefined
  aspectRatio: string | undefined
  /** Ms since the epoch. */
  createdAt: number | undefined
  /** Every other field: tags, ratings, whatever there is. */
  rest: Readonly<Record<string, unknown>>
}

/** Under which names a field may stand, without regard to capitals and underscores; the first that is there counts. */
const NAMES = {
  id: ['id', 'imageid', 'uuid'],
  file: ['filename', 'filepath', 'path', 'localpath', 'storagepath', 'imagepath', 'file', 'name'],
  prompt: ['prompt', 'originalprompt', 'inputprompt', 'description', 'text'],
  model: ['model', 'modelname', 'modelid'],
  aspectRatio: ['aspectratio', 'ratio'],
  createdAt: ['createdat', 'created', 'timestamp', 'createtime', 'date'],
} as const

/** Reads a record of unknown shape. Undefined where it is none, or names no file. @param key its place in a map */
export function readRecord(record: unknown, key?: string): ForeignImage | undefined {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return undefined
  const fields = new Map(Object.entries(record).map(([name, value]) => [plain(name), { name, value }]))
  const used = new Set<string>()
  const take = (names: readonly string[]): unknown => {
    const found = names.map((name) => fields.get(name)).find((field) => isGiven(field?.value))
    if (found) used.add(found.name)
    return found?.value
  }
  const file = textOf(take(NAMES.file))
  if (file === undefined) return undefined
  const known = {
    id: textOf(take(NAMES.id)) ?? key ?? file,
    file,
    prompt: textOf(take(NAMES.prompt)) ?? '',
    model: textOf(take(NAMES.model)),
    aspectRatio: textOf(take(NAMES.aspectRatio)),
    createdAt: timeOf(take(NAMES.createdAt)),
  }
  const others = Object.entries(record).filter(
    ([name, value]) => !used.has(name) && isGiven(value) && !ArrayBuffer.isView(value),
  )
  return { ...known, rest: Object.fromEntries(others) }
}

const plain = (name: string): string => name.replaceAll('_', '').toLowerCase()

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

/** Smaller numbers are seconds: as milliseconds they would be before March 1973. */
const FIRST_MILLISECONDS = 100_000_000_000
/** The last moment that an id can hold, in ms. */
const LAST_TIME = 2 ** 47

/** Seconds or milliseconds as a number or its text, or a date; a date without a zone is UTC. */
export function timeOf(value: unknown): number | undefined {
  const text = textOf(value)?.trim()
  if (text === undefined || text === '') return undefined
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  const time = Number.isNaN(number) ? dateOf(text) : number < FIRST_MILLISECONDS ? number * 1000 : number
  return time > 0 && time < LAST_TIME ? Math.round(time) : undefined
}

function dateOf(text: string): number {
  if (!/^\d{4}-\d\d/.test(text)) return Number.NaN
  const date = text.replace(' ', 'T')
  return Date.parse(/T[\d:.]+$/.test(date) ? `${date}Z` : date)
}
