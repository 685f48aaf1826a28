import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What we read of V8's `.cpuprofile`. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

/** A function and its share of the time in which the process was not idle, without what it called. */
export interface SelfTime {
  name: string
  place: string
  /** 0 to 1. */
  share: number
}

/** The functions of the only profile in a folder that took the most time, and the share of the time that was idle. */
export async function readSelfTimes(folder: string): Promise<{ idle: number; top: SelfTime[] }> {
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.cpuprofile'))
  if (name === undefined) throw new Error(`no profile was written to ${folder}`)
  const profile: CpuProfile = JSON.parse(await readFile(join(folder, name), 'utf8'))
  const times = addUp(profile)
  const idle = times.get(IDLE) ?? 0
  times.delete(IDLE)
  const busy = sum(times.values())
  const top = [...times].sort(([, a], [, b]) => b - a).map(([key, time]) => toSelfTime(key, time / busy))
  return { idle: idle / (idle + busy), top }
}

const IDLE = '(idle)\t'
const root = fileURLToPath(new URL('..', import.meta.url))

function addUp({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const keys = new Map(nodes.map(({ id, callFrame }) => [id, keyOf(callFrame)]))
  const times = new Map<string, number>()
  samples.forEach((id, index) => {
    const key = keys.get(id) ?? ''
    times.set(key, (times.get(key) ?? 0) + (timeDeltas[index] ?? 0))
  })
  return times
}

function keyOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const path = url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url
  return `${functionName || '(anonymous)'}\t${path === '' ? '' : `${path}:${lineNumber + 1}`}`
}

function toSelfTime(key: string, share: number): SelfTime {
  const [name = '', place = ''] = key.split('\t')
  return { name, place, share }
}

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)
