import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../base/error.ts'
import type { Spool } from '../bytes/spool.ts'
import type { Account } from '../providers/provider.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { FAILURE_RULES, mayGoOn, restAfter, toProviderError } from './failure.ts'
import type { Gateway } from './gateway.ts'
import type { Candidate } from './route.ts'

/** Under what circumstances a run goes on. */
export interface Run {
  /** Where arriving pictures are written; the caller disposes of it after the run and its listeners are done. */
  spool: Spool
  /** Ends everything at once, because the caller said so. */
  cancelled: AbortSignal
  /** Lets no further call begin; those under way go on. */
  halted?: AbortSignal
  /** Ends everything at once, because the server stops; the task stays as it is and runs again later. */
  stopping?: AbortSignal
  /** Nobody holds the line: calls wait for their turn, and what may pass is waited for. */
  patient?: boolean
  /** The client is gone: ends calls for which nothing has arrived yet; what has begun to arrive is paid for and kept. */
  abandoned: AbortSignal
}

/** What one try gets to do its work with. */
export interface Try {
  account: Account
  /** Aborts for every reason that {@link Run} knows, and when the time is up. */
  signal: AbortSignal
  /** To be called when the upstream has begun to answer: from then on a client that leaves does not end it. */
  arrived(): void
}

const PAUSE_BEFORE_RETRY = 300

/**
 * Performs one upstream call, trying the provider's accounts in turn as the failure table allows.
 * Returns the failure of the last try, or nothing when the call went through. Throws only what is not the upstream's
 * fault: a cancelled run, a full disk.
 */
export async function attempt(
  gateway: Gateway,
  candidate: Candidate,
  run: Run,
  perform: (context: Try) => Promise<void>,
): Promise<ProviderError | undefined> {
  const accounts = gateway.accounts.ready(candidate.accounts, candidate.model)
  let failure = accounts.length === 0 ? allResting(gateway, candidate) : undefined
  for (const account of accounts) {
    failure = await tryAccount(gateway, candidate, account, run, perform)
    if (failure === undefined) return undefined
    settle(gateway, candidate, account, failure)
    if (!mayGoOn(failure)) return failure
  }
  return failure
}

async function tryAccount(
  gateway: Gateway,
  { model }: Candidate,
  account: Account,
  run: Run,
  perform: (context: Try) => Promise<void>,
): Promise<ProviderError | undefined> {
  const leave = await unlessEnded(run, (signal) => gateway.accounts.enter(account, model, signal))
  try {
    const first = await callOnce(gateway, account, run, perform)
    if (first === undefined || first.maybePaid || !FAILURE_RULES[first.kind].retryHere) return first
    await unlessEnded(run, (signal) => sleep(PAUSE_BEFORE_RETRY, undefined, { signal: signal() }))
    return await callOnce(gateway, account, run, perform)
  } finally {
    leave()
  }
}

/**
 * Waits for something before a call begins. The signal is made only where it is asked for: most calls need not wait.
 * @throws AppError `job_cancelled` when the run ends meanwhile
 */
export async function unlessEnded<T>(run: Run, wait: (signal: () => AbortSignal) => Promise<T>): Promise<T> {
  const sources = [...ending(run), run.abandoned, ...(run.halted ? [run.halted] : [])]
  try {
    return await wait(() => AbortSignal.any(sources))
  } catch (error) {
    if (!sources.some(({ aborted }) => aborted)) throw error
    throw new AppError('job_cancelled', { cause: error })
  }
}

async function callOnce(
  gateway: Gateway,
  account: Account,
  run: Run,
  perform: (context: Try) => Promise<void>,
): Promise<ProviderError | undefined> {
  const ends = watch(run, gateway.settings.generationTimeout)
  try {
    await perform({ account, signal: ends.signal, arrived: ends.arrived })
    return undefined
  } catch (error) {
    if (ends.cause() === 'left') throw new AppError('job_cancelled', { cause: error })
    const failure = toProviderError(ends.cause() === 'timeout' ? ends.signal.reason : error)
    if (failure === undefined) throw error
    return failure
  } finally {
    ends.release()
  }
}

/**
 * One signal for all that ends a try. Made of plain listeners: composed signals cost more than the rest of a small chat.
 * After `release` nothing ends it any more; the body of a chat has the time limit of its exchange.
 */
function watch(run: Run, time: number) {
  const controller = new AbortController()
  let cause: 'left' | 'timeout' | undefined
  const end = (why: 'left' | 'timeout', reason: unknown) => {
    cause ??= why
    controller.abort(reason)
  }
  const leave = (event: Event) => end('left', (event.target as AbortSignal).reason)
  const sources = [...ending(run), run.abandoned]
  for (const source of sources) {
    if (source.aborted) end('left', source.reason)
    else source.addEventListener('abort', leave, { once: true })
  }
  const timer = setTimeout(
    () => end('timeout', new DOMException('The time of the call is up', 'TimeoutError')),
    time,
  )
  return {
    signal: controller.signal,
    cause: () => cause,
    arrived: () => run.abandoned.removeEventListener('abort', leave),
    release: () => {
      clearTimeout(timer)
      for (const source of sources) source.removeEventListener('abort', leave)
    },
  }
}

const ending = (run: Run): AbortSignal[] => (run.stopping ? [run.cancelled, run.stopping] : [run.cancelled])

function settle(gateway: Gateway, candidate: Candidate, account: Account, failure: ProviderError): void {
  const { coolDown, soft } = FAILURE_RULES[failure.kind]
  const { provider, model } = candidate
  gateway.metrics.drawn({ provider: provider.name, model, outcome: failure.kind })
  gateway.log.warn(
    { account: account.id, kind: failure.kind, detail: failure.detail },
    'upstream call failed',
  )
  if (coolDown === 0) return
  gateway.accounts.rest(account, candidate.model, { duration: restAfter(failure), soft, failure })
}

/** The failure that put the accounts to rest, again, with the time that is left of it. */
function allResting(gateway: Gateway, { accounts, model }: Candidate): ProviderError {
  const refusal = gateway.accounts.refusal(accounts, model)
  if (refusal === undefined) return new ProviderError('auth', { detail: 'no key is configured for it.' })
  const { kind, detail, code } = refusal.failure
  return new ProviderError(kind, {
    detail,
    retryAfter: Math.ceil(refusal.wait / 1000),
    ...(code ? { code } : {}),
  })
}
