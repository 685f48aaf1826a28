import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../base/error.ts'
import type { Spool } from '../bytes/spool.ts'
import type { Reservation } from '../providers/accounts/reserve.ts'
import type { Account } from '../providers/provider.ts'
import type { ProviderError } from '../providers/provider-error.ts'
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
  /** To be called for each picture that came: the account has used it. */
  delivered(): void
}

const PAUSE_BEFORE_RETRY = 300

/**
 * Performs one upstream call for so many pictures, trying the provider's accounts in turn as the failure table allows.
 * Returns the failure of the last try, or nothing when the call went through. Throws only what is not the upstream's
 * fault: a cancelled run, a full disk.
 */
export async function attempt(
  gateway: Gateway,
  candidate: Candidate,
  pictures: number,
  run: Run,
  perform: (context: Try) => Promise<void>,
): Promise<ProviderError | undefined> {
  const { accounts } = gateway
  const tried = new Set<string>()
  let failure: ProviderError | undefined
  for (;;) {
    const reservation = await accounts.reserve(candidate, pictures, tried)
    if (reservation === undefined) return failure ?? accounts.refusal(candidate, pictures)
    tried.add(reservation.account.id)
    failure = await tryAccount(gateway, reservation, run, perform)
    if (failure === undefined) return undefined
    await blame(gateway, candidate, reservation, failure)
    if (!mayGoOn(failure)) return failure
  }
}

async function tryAccount(
  gateway: Gateway,
  reservation: Reservation,
  run: Run,
  perform: (context: Try) => Promise<void>,
): Promise<ProviderError | undefined> {
  const { accounts } = gateway
  const { account } = reservation
  let delivered = 0
  const counting = (context: Omit<Try, 'delivered'>) =>
    perform({
      ...context,
      delivered: () => {
        delivered += 1
      },
    })
  let leave: (() => void) | undefined
  try {
    leave = await unlessEnded(run, (signal) => accounts.enter(account, signal))
    const first = await callOnce(gateway, account, run, counting)
    if (first === undefined || first.maybePaid || !FAILURE_RULES[first.kind].retryHere) return first
    await unlessEnded(run, (signal) => sleep(PAUSE_BEFORE_RETRY, undefined, { signal: signal() }))
    return await callOnce(gateway, account, run, counting)
  } finally {
    leave?.()
    await accounts.settle(reservation, delivered)
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
  perform: (context: Omit<Try, 'delivered'>) => Promise<void>,
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

async function blame(
  gateway: Gateway,
  candidate: Candidate,
  reservation: Reservation,
  failure: ProviderError,
): Promise<void> {
  const { coolDown, soft } = FAILURE_RULES[failure.kind]
  const { provider, model } = candidate
  gateway.metrics.drawn({ provider: provider.name, model, outcome: failure.kind })
  gateway.log.warn(
    { account: reservation.account.id, kind: failure.kind, detail: failure.detail },
    'upstream call failed',
  )
  if (coolDown === 0) return
  await gateway.accounts.blame(reservation, model, { duration: restAfter(failure), soft, failure })
}
