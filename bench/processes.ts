import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** What is measured runs on the first core; the upstream and the load generator share the other. */
export type Core = 'server' | 'load'

const CORES: Record<Core, string> = { server: '0', load: '1' }

export interface Running {
  pid: number
  url: string
  [Symbol.asyncDispose](): Promise<void>
}

const root = fileURLToPath(new URL('..', import.meta.url))
const running = new Set<ChildProcess>()
let stopped = false

/** Starts a command on a core, with no more environment than is given, and waits until it prints its address. */
export async function start(
  core: Core,
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<Running> {
  const child = run(core, command, env)
  const url = await firstAddress(child)
  child.stdout?.resume()
  return { pid: child.pid ?? 0, url, [Symbol.asyncDispose]: () => stop(child) }
}

/** Runs a command on a core to its end; what it prints. */
export async function output(core: Core, command: readonly string[]): Promise<string> {
  const child = run(core, command, {})
  const [text, [code]] = await Promise.all([child.stdout?.setEncoding('utf8').toArray(), once(child, 'exit')])
  if (code !== 0) throw new Error(`${command.slice(0, 2).join(' ')} ended with ${code}`)
  return text?.join('') ?? ''
}

/** A TypeScript file of this folder as a command. */
export const script = (name: string, ...args: (string | number)[]): string[] => [
  process.execPath,
  join('bench', name),
  ...args.map(String),
]

/** Ends everything that still runs, and lets nothing start any more: whatever waits for it fails and clears up. */
export async function stopAll(): Promise<void> {
  stopped = true
  await Promise.all([...running].map(stop))
}

/** Spawned without waiting for anything; in the list of what runs until it has ended. */
export function run(core: Core, command: readonly string[], env: Record<string, string>): ChildProcess {
  if (stopped) throw new Error('the run was ended')
  const pinned = process.platform === 'linux' ? ['taskset', '-c', CORES[core], ...command] : command
  const [file = '', ...args] = pinned
  const child = spawn(file, args, {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** SIGTERM, and SIGKILL where that is not heard. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const killing = setTimeout(() => child.kill('SIGKILL'), 8000)
  await exit
  clearTimeout(killing)
}

async function firstAddress(child: ChildProcess): Promise<string> {
  let text = ''
  const found = new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (more: string) => {
      text += more
      const url = /http:\/\/127\.0\.0\.1:\d+(?=\s)/.exec(text)?.[0]
      if (url !== undefined) resolve(url)
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`)))
  })
  const late = sleep(30_000, undefined, { ref: false }).then(() => {
    throw new Error(`${child.spawnargs.join(' ')} printed no address`)
  })
  return Promise.race([found, late])
}

/** A folder that is removed with all that is in it. */
export async function temporaryFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'pictor-bench-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}

/** A figure of `/proc/<pid>/status` in MB (10⁶ bytes): `VmRSS` now, `VmHWM` the highest so far. 0 where it is not to be had. */
export async function memory(pid: number, figure: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return (Number(new RegExp(`${figure}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024) / 1e6
}

/** Watches the memory of the children that a process has; `peak` is the highest sum in MB. */
export function watchChildren(pid: number): { peak(): number; [Symbol.dispose](): void } {
  let peak = 0
  const look = async () => {
    const pids = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
    const each = await Promise.all(
      pids
        .split(' ')
        .filter(Boolean)
        .map((child) => memory(Number(child), 'VmRSS')),
    )
    peak = Math.max(
      peak,
      each.reduce((sum, one) => sum + one, 0),
    )
  }
  const timer = setInterval(() => void look(), 100)
  return { peak: () => peak, [Symbol.dispose]: () => clearInterval(timer) }
}
