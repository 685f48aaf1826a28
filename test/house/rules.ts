import type { SourceFile } from './tree.ts'

/** A rule looks at the whole tree and names every place that breaks it. */
export type Rule = (files: SourceFile[]) => string[]

/** From the top down. A part may import what stands on a lower line, and nothing from its own line but itself. */
const LAYERS = [
  ['main'],
  ['app'],
  ['ingress'],
  ['gateway'],
  ['access', 'library', 'tasks', 'providers', 'admin'],
  ['search'],
  ['db', 'storage', 'bytes'],
  ['base'],
  ['config'],
  ['contract'],
]

/** Imports go one way, and siblings do not know each other. */
export const importsGoOneWay: Rule = (files) =>
  eachImport(files.filter(isProduct), ({ path }, { target }) => {
    if (target === undefined || partOf(target) === partOf(path)) return undefined
    return layerOf(path) >= 0 && layerOf(target) > layerOf(path) ? undefined : `${path} imports ${target}`
  })

/** Parts are given what they need of the configuration as arguments. */
export const configIsReadAtTheTop: Rule = (files) =>
  eachImport(files.filter(isProduct), ({ path }, { target }) => {
    const outside = target !== undefined && partOf(target) === 'config' && partOf(path) !== 'config'
    return outside && !['main', 'app'].includes(partOf(path)) ? `${path} imports ${target}` : undefined
  })

export const noTestHelpersInTheProduct: Rule = (files) =>
  eachImport(files.filter(isProduct), ({ path }, { target }) =>
    target !== undefined && (isTest(target) || !/^(src|contract)\//.test(target))
      ? `${path} imports ${target}`
      : undefined,
  )

/** The contract also runs in a browser. */
export const contractStandsAlone: Rule = (files) =>
  eachImport(
    files.filter(({ path }) => path.startsWith('contract/') && !isTest(path)),
    ({ path }, { name, target }) =>
      name === 'typebox' || target?.startsWith('contract/') ? undefined : `${path} imports ${name}`,
  )

export const environmentIsReadInOnePlace: Rule = (files) =>
  files
    .filter((file) => isProduct(file) && file.path !== 'src/config.ts' && /\bprocess\.env\b/.test(file.text))
    .map(({ path }) => path)

/** What base/ opens has a timeout, a size limit and the address guard. */
export const connectionsGoOutInOnePlace: Rule = (files) =>
  files
    .filter((file) => isProduct(file) && !file.path.startsWith('src/base/'))
    .filter(
      ({ text, imports }) =>
        imports.some(({ name }) => name === 'undici' || name === 'socks') || /(?<![.\w])fetch\(/.test(text),
    )
    .map(({ path }) => path)

/** Every chain of imports that comes back to where it began, once. */
export const noCycles: Rule = (files) => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    if (done.has(path)) return
    done.add(path)
    for (const { target } of byPath.get(path)?.imports ?? []) if (target) visit(target, [...trail, path])
  }
  for (const { path } of files) visit(path, [])
  return cycles
}

/** Work that is left for later has an issue, written as in `TODO(#12)`. */
export const laterHasAnIssue: Rule = (files) =>
  files
    .filter(({ path }) => !path.startsWith('test/house/'))
    .flatMap(({ path, text }) =>
      text.split('\n').map((line, index) => ({ line, place: `${path}:${index + 1}` })),
    )
    .filter(({ line }) => /\b(TODO|FIXME)\b(?!\(#\d+\))/.test(line))
    .map(({ place }) => place)

type Found = string | undefined

function eachImport(
  files: SourceFile[],
  look: (file: SourceFile, one: SourceFile['imports'][number]) => Found,
): string[] {
  return files
    .flatMap((file) => file.imports.map((one) => look(file, one)))
    .filter((found) => found !== undefined)
}

/** Files that run in production. */
function isProduct({ path }: SourceFile): boolean {
  return /^(src|contract)\//.test(path) && !isTest(path)
}

/** Tests, and the helpers and conformance tests that they share. */
function isTest(path: string): boolean {
  return /\.test\.ts$|\/(testing|conformance)(-\w+)?\.ts$|\/testing\//.test(path)
}

/** `src/db/connect.ts` → `db`, `contract/job.ts` → `contract`; what lies directly in `src` is the app, but for two names. */
function partOf(path: string): string {
  const [folder = '', name = '', ...deeper] = path.split('/')
  if (folder !== 'src') return folder
  if (deeper.length > 0) return name
  return /^(main|config)\b/.exec(name)?.[0] ?? 'app'
}

function layerOf(path: string): number {
  return LAYERS.findIndex((layer) => layer.includes(partOf(path)))
}
