import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { median, RATE_TOOL } from './measure.ts'

/** One line of the table. */
export interface Row {
  scenario: string
  pictor: string
  comparedWith: string
  /** The figure that has a target, as text. */
  result: string
  /** Empty where the line is for information only. */
  target: string
  reached?: boolean
}

/** Ratios of several rounds against a target that must be reached from above or from below. */
export function verdict(ratios: readonly number[], sign: '≥' | '≤', target: number) {
  const middle = median(ratios)
  return {
    result: spread(ratios),
    target: `${sign} ${target} ×`,
    reached: sign === '≥' ? middle >= target : middle <= target,
  }
}

/** The median with the lowest and the highest. */
export function spread(ratios: readonly number[]): string {
  const [low, middle, high] = [Math.min(...ratios), median(ratios), Math.max(...ratios)].map((one) =>
    one.toFixed(2),
  )
  return `**${middle} ×** (${low} to ${high})`
}

/** The table as Markdown. */
export function toTable(rows: readonly Row[]): string {
  const lines = rows.map(({ scenario, pictor, comparedWith, result, target, reached }) => {
    const end = reached === undefined ? '' : reached ? 'reached' : '**not reached**'
    return `| ${[scenario, pictor, comparedWith, result, target, end].join(' | ')} |`
  })
  const head = ['| Scenario | Pictor | Compared with | Result | Target | |', '|---|---|---|---|---|---|']
  return [...head, ...lines].join('\n')
}

/** What was measured on, when and how. @param load one-minute load average before the run */
export function circumstances(command: string, load: number, seconds: number): string {
  const { model = 'unknown processor' } = cpus()[0] ?? {}
  return [
    `- ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, \`${command}\`, ${Math.round(seconds)} s`,
    `- ${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`,
    `- ${nginxVersion()}; rates of small replies by ${RATE_TOOL}; load average before the run ${load.toFixed(2)}`,
  ].join('\n')
}

const MARKERS = /(<!-- results -->\n)[\s\S]*(<!-- \/results -->)/

/** Puts the results between the markers of `bench/README.md`. */
export async function writeResults(text: string): Promise<void> {
  const path = new URL('README.md', import.meta.url)
  const page = await readFile(path, 'utf8')
  await writeFile(
    path,
    page.replace(MARKERS, (_all, before: string, after: string) => `${before}${text}\n${after}`),
  )
}

/** One-minute load average. */
export const currentLoad = (): number => loadavg()[0] ?? 0

/** It prints its version to stderr. */
function nginxVersion(): string {
  const { stderr } = spawnSync('/usr/sbin/nginx', ['-v'], { encoding: 'utf8' })
  return /nginx\/[\d.]+/.exec(stderr ?? '')?.[0] ?? 'no nginx'
}
