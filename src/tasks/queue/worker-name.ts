import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'

/**
 * A name for one worker of this process, `host:pid:process.worker`. It tells others whether the worker can still be
 * alive; the random part of the process tells a restarted one from its predecessor where pids repeat (containers).
 */
export const newWorkerName = (): string => `${HOST}:${process.pid}:${PROCESS}.${shortRandom()}`

/**
 * Whether a worker has certainly died: it was on this host, and its process is gone. Anywhere else only its lease can
 * tell. Processes that share a host name but not their pids (containers on the host's network) look dead to each other;
 * they need host names of their own.
 */
export function isDead(worker: string): boolean {
  const [, host, pid, startOf] = /^(.*):(\d+):(\w+)\.\w+$/.exec(worker) ?? []
  if (host !== HOST) return false
  return Number(pid) === process.pid ? startOf !== PROCESS : !isRunning(Number(pid))
}

const shortRandom = () => randomUUID().slice(0, 8)

const HOST = hostname().slice(0, 64)
const PROCESS = shortRandom()

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Someone else's process may not be signalled, but it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
