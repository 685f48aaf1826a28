import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A source file, by its path from the root, with forward slashes. */
export interface SourceFile {
  path: string
  text: string
  imports: Import[]
}

export interface Import {
  /** As written. */
  name: string
  /** Path from the root, for a relative import of a source file. */
  target?: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Every TypeScript file of the given folders. */
export function readTree(...folders: string[]): SourceFile[] {
  return folders.flatMap(listFiles).map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
}

/** Reads the imports of a source text: `import … from`, `export … from`, `import '…'` and `import('…')`. */
export function parseSource(path: string, text: string): SourceFile {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const statements = code.matchAll(
    /^\s*(?:import|export)\b[^'"`;()=]*?\bfrom\s*['"]([^'"\n]+)['"]|^\s*import\s*['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/gm,
  )
  const names = [...statements].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
  return { path, text, imports: names.map((name) => ({ name, ...resolve(path, name) })) }
}

function resolve(path: string, name: string): { target?: string } {
  return /^\..*\.ts$/.test(name) ? { target: posix.join(posix.dirname(path), name) } : {}
}

function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.ts'))
    .sort()
}
