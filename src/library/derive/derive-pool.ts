import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../base/error.ts'
import type { EnlargeInput } from './enlarge.ts'
import type { Derivatives, DeriveInput } from './make-derivatives.ts'
import type { DeriveRequest, WorkerReply, WorkerRequest } from './worker-message.ts'

export interface DerivePoolOptions {
  /** Milliseconds that one picture may take. */
  timeout?: number
  /** Milliseconds without work after which the child ends and gives its memory back. */
  idle?: number
}

/** Works on pictures beside the program: thumbnails and hashes, which no request waits for, and larger copies. */
export interface DerivePool {
  /**
   * Queues one picture. Aborting drops it, also when it is being worked on.
   * @throws {AppError} `invalid_image` for a picture that cannot be decoded, `server_error` when the child died or
   *   took too long; an operating system's error (`ENOSPC`) as such
   */
  derive(input: DeriveInput, signal?: AbortSignal): Promise<Derivatives>
  /** Writes a larger copy of a picture, in its turn. Aborts and throws likewise; the caller removes a target that was not finished. */
  enlarge(input: EnlargeInput, signal?: AbortSignal): Promise<void>
  /** Fails what is waiting, ends the child, and resolves when it is gone. */
  close(): Promise<void>
}

/**
 * One child of lowest priority does the work, one picture at a time. It is started when first needed, ends when idle,
 * and is replaced after a crash. Hostile pictures are decoded there, with no secret in its environment.
 */
export function createDerivePool(options: DerivePoolOptions = {}): DerivePool {
  const { timeout = 60_000, idle = 30_000 } = options
  const closing = new AbortController()
  let child: ChildProcess | undefined
  let idleTimer: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  return {
    async derive(input, signal) {
      const reply = await queue(toRequest(input), signal)
      if (reply.type !== 'derived') throw new Error(`the child answered ${reply.type} to a request to derive`)
      return reply.derivatives
    },
    async enlarge(input, signal) {
      await queue({ type: 'enlarge', ...input }, signal)
    },
    async close() {
      closing.abort(new AppError('server_error', { cause: new Error('the derive pool is closed') }))
      await last
      await end(child)
    },
  }

  function queue(request: WorkerRequest, signal: AbortSignal | undefined): Promise<Done> {
    const result = last.then(() =>
      run(request, AbortSignal.any([closing.signal, ...(signal ? [signal] : [])])),
    )
    last = result.catch(() => {})
    return result
  }

  async function run(request: WorkerRequest, signal: AbortSignal): Promise<Done> {
    signal.throwIfAborted()
    clearTimeout(idleTimer)
    const worker = isAlive(child) ? child : startChild()
    child = worker
    try {
      const reply = await ask(worker, request, AbortSignal.any([signal, AbortSignal.timeout(timeout)]))
      return unwrap(reply)
    } catch (error) {
      if (request.type === 'derive' && !isAlive(worker)) await removeUnfinished(request)
      throw error
    } finally {
      idleTimer = setTimeout(() => void end(worker), idle).unref()
    }
  }
}

function isAlive(child: ChildProcess | undefined): child is ChildProcess {
  return child?.connected === true && child.exitCode === null && child.signalCode === null && !child.killed
}

function startChild(): ChildProcess {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [], {
    execArgv: [],
    // Decoding hostile files needs no secrets; fewer arenas keep glibc from holding on to memory.
    env: { MALLOC_ARENA_MAX: '2' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  lower(child)
  child.unref()
  child.channel?.unref()
  return child
}

/** From here and at once: Linux keeps priority per thread, and the child's threads take over that of its first. */
function lower(child: ChildProcess): void {
  try {
    if (child.pid) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  } catch {
    // Some containers forbid it; the work is done at normal priority then.
  }
}

function toRequest(input: DeriveInput): DeriveRequest {
  return {
    type: 'derive',
    source: input.source,
    targets: { 320: input.target(320), 1280: input.target(1280) },
    suffix: `.${randomUUID()}.part`,
  }
}

/** Aborting kills the child; the promise settles when it is dead, so that its files can be removed. */
function ask(child: ChildProcess, request: WorkerRequest, signal: AbortSignal): Promise<WorkerReply> {
  return new Promise((resolve, reject) => {
    const kill = () => killNow(child)
    const onMessage = (reply: WorkerReply) => {
      settle()
      resolve(reply)
    }
    const onEnd = (cause: unknown) => {
      settle()
      reject(signal.aborted ? signal.reason : died(cause))
    }
    const settle = () => {
      signal.removeEventListener('abort', kill)
      child.off('message', onMessage).off('exit', onEnd).off('error', onEnd)
    }
    signal.addEventListener('abort', kill)
    child.on('message', onMessage).on('exit', onEnd).on('error', onEnd)
    // A child that cannot be reached is about to report its end.
    child.send(request, () => {})
  })
}

function died(cause: unknown): AppError {
  const how = cause instanceof Error ? cause : new Error(`exit code ${cause}`)
  return new AppError('server_error', { cause: new Error('the thumbnail process died', { cause: how }) })
}

type Done = Exclude<WorkerReply, { type: 'failed' }>

function unwrap(reply: WorkerReply): Done {
  if (reply.type !== 'failed') return reply
  if (reply.code) throw Object.assign(new Error(reply.message), { code: reply.code })
  throw new AppError('invalid_image', { param: 'image', values: { detail: reply.message } })
}

async function removeUnfinished({ targets, suffix }: DeriveRequest): Promise<void> {
  for (const target of Object.values(targets)) await rm(target + suffix, { force: true })
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exit = once(child, 'exit')
  killNow(child)
  await exit
}

/** Whoever waits for its end must live to see it, though nothing else keeps the program running. */
function killNow(child: ChildProcess): void {
  child.ref()
  child.kill('SIGKILL')
}
