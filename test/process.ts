import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The root of the checkout. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A process of its own, with what it says. */
export interface Running extends AsyncDisposable {
  child: ChildProcess
  stdout(): string
  stderr(): string
  /** Resolves with the match as soon as the standard output has one; rejects when the process ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** How it ended: exit code, or name of the signal. */
  ended: Promise<number | string>
}

export interface RunOptions {
  /** The whole environment beside PATH. */
  env?: Record<string, string>
  cwd?: string
}

/** Starts a command; disposing of it kills it. */
export function runProcess(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { PATH: process.env.PATH ?? '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  return {
    child,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    ended,
    says: async (pattern) => {
      for (;;) {
        const match = pattern.exec(texts.stdout)
        if (match) return match
        const end = await Promise.race([once(child.stdout, 'data').then(() => undefined), ended])
        if (end !== undefined && !pattern.test(texts.stdout))
          throw new Error(`ended with ${end} before it said ${pattern}:\n${texts.stdout}${texts.stderr}`)
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** A Pictor in a process of its own. */
export interface PictorProcess extends Running {
  url: string
  /** The header that its key makes. */
  authorization: string
  fetch(path: string, init?: RequestInit): Promise<Response>
}

const API_KEY = 'sk-test-0123456789abcdef0123456789'
const AUTHORIZATION = `Bearer ${API_KEY}`

/** What starts the server without npm. */
export const SERVER = ['--disable-warning=ExperimentalWarning', 'src/main.ts']

/** Starts `src/main.ts` and waits until it listens. `command` may put another program before Node. */
export async function startPictorProcess(
  env: Record<string, string>,
  command: readonly string[] = [],
): Promise<PictorProcess> {
  const [program = '', ...args] = [...command, process.execPath, ...SERVER]
  const running = runProcess(program, args, { env: { PORT: '0', API_KEY, ...env } })
  const [, url = ''] = await running.says(/running at\s+(http:\S+)[\s\S]*\n\n/)
  const { [Symbol.asyncDispose]: dispose } = running
  return {
    ...running,
    url,
    authorization: AUTHORIZATION,
    fetch: (path, init = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization: AUTHORIZATION, ...init.headers } }),
    [Symbol.asyncDispose]: dispose,
  }
}
