// `npm run docs` writes the generated documents; with `--check` it only says which are out of date.
import { readFile, writeFile } from 'node:fs/promises'
import { ERRORS } from '../contract/errors.ts'
import { VARIABLES, type Variable } from '../src/config-variables.ts'

const variables: Variable<unknown>[] = Object.values(VARIABLES)

const documents: Record<string, () => string> = {
  'docs/config.md': configDocument,
  'docs/errors.md': errorDocument,
  '.env.example': environmentExample,
}

const stale = await findStale()
if (process.argv.includes('--check')) {
  for (const path of Object.keys(stale)) console.error(`${path} is out of date: run "npm run docs"`)
  process.exitCode = Object.keys(stale).length > 0 ? 1 : 0
} else {
  for (const [path, content] of Object.entries(stale)) await writeFile(path, content)
  console.log(Object.keys(stale).join('\n') || 'Everything is up to date.')
}

/** The documents that differ from what they should be, with their right content. */
async function findStale(): Promise<Record<string, string>> {
  const entries = await Promise.all(
    Object.entries(documents).map(async ([path, render]) => {
      const present = await readFile(path, 'utf8').catch(() => '')
      return { path, wanted: render(), present }
    }),
  )
  return Object.fromEntries(
    entries.filter(({ wanted, present }) => wanted !== present).map(({ path, wanted }) => [path, wanted]),
  )
}

function configDocument(): string {
  const sections = byGroup().map(([group, members]) => {
    const rows = members.map((variable) => [
      `\`${variable.name}\`${variable.alias ? ` (or \`${variable.alias}\`)` : ''}`,
      variable.kind.expected,
      variable.default === undefined ? (variable.otherwise ?? '—') : `\`${variable.default}\``,
      variable.description,
    ])
    return `## ${group}\n\n${table(['Variable', 'Value', 'When not set', 'What it does'], rows)}`
  })
  return `${generated('src/config-variables.ts')}# Configuration

Pictor is configured by environment variables. \`npm start\` also reads a file \`.env\` in the project's folder;
\`.env.example\` is a template for it. What the environment sets wins over the file. An empty value counts as not set.
Yes and no may be written as true/false, yes/no, on/off or 1/0.

All wrong values are named together at start, with what was expected, and nothing starts until they are put right.

${sections.join('\n')}`
}

function environmentExample(): string {
  const sections = byGroup().map(([group, members]) => {
    const entries = members.map(
      ({ name, description, kind, default: fallback }) =>
        `# ${description}\n# Expected: ${kind.expected}.\n#${name}=${fallback ?? ''}\n`,
    )
    return `# --- ${group} ---\n\n${entries.join('\n')}`
  })
  return `# Generated from src/config-variables.ts by "npm run docs". Copy it to .env and take the # away where you set something.\n\n${sections.join('\n')}`.replaceAll(
    '`',
    '',
  )
}

function errorDocument(): string {
  const rows = Object.entries(ERRORS).map(([code, { status, type, reason, en }]) => [
    `\`${code}\``,
    String(status),
    `\`${type}\``,
    reason,
    en,
  ])
  return `${generated('contract/errors.ts')}# Errors

On \`/v1\` an error is \`{"error": {"message", "type", "code", "param"}}\` with one of these codes, unless the upstream
gave a code of its own that says more. The reason phrase stands in the HTTP status line, since some clients show only that.
Words in braces are filled in.

${table(['Code', 'Status', 'Type', 'Reason phrase', 'Message'], rows)}`
}

function byGroup(): [string, Variable<unknown>[]][] {
  return Object.entries(Object.groupBy(variables, (variable) => variable.group)).map(([group, members]) => [
    group,
    members ?? [],
  ])
}

function generated(source: string): string {
  return `<!-- Generated from ${source} by "npm run docs": edit that instead. -->\n\n`
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return [head, head.map(() => '---'), ...rows].map(line).join('')
}
