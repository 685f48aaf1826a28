import { setTimeout as sleep } from 'node:timers/promises'
import type { StoredImage } from '../../contract/image.ts'
import type { ImageJob } from '../../contract/job.ts'
import type { Call, Inputs } from '../providers/provider.ts'
import type { ProviderError } from '../providers/provider-error.ts'
import type { TaskRecord } from '../tasks/task-table.ts'
import { attempt, type Run, unlessEnded } from './attempt.ts'
import { candidatesFor, type Means } from './candidates.ts'
import { credentialOf } from './credential.ts'
import { endTask } from './end-task.ts'
import { asClientError, pauseAfter } from './failure.ts'
import type { Gateway } from './gateway.ts'
import { askedOf, Harvest } from './harvest.ts'
import { type Candidate, jobAt, planFor } from './route.ts'
import { translate } from './translate.ts'

/** A finished task with its pictures. */
export interface Finished {
  task: TaskRecord
  images: readonly StoredImage[]
}

/**
 * Runs an accepted task to its end: translate → route → plan → attempt → store, with the pictures still missing going to the next
 * candidate. What goes wrong on the way is the task's error and is not thrown; only a stopping server throws, and
 * leaves the task to be run again.
 */
export async function generate(
  gateway: Gateway,
  accepted: TaskRecord,
  inputs: Inputs,
  run: Run,
  already: readonly StoredImage[] = [],
): Promise<Finished> {
  const { task, warnings } = await translate(gateway, accepted, run)
  const harvest = new Harvest(gateway, task, already)
  harvest.warn(warnings)
  const unforeseen = await draw(gateway, task, inputs, run, harvest).then(
    () => undefined,
    (error: unknown) => asClientError(error),
  )
  run.stopping?.throwIfAborted()
  if (unforeseen?.code === 'server_error')
    gateway.log.error({ err: unforeseen.cause, task: task.id }, 'task failed')
  const result = harvest.result(unforeseen)
  const now = gateway.clock.now()
  await endTask(gateway, task, { result, now, drawn: harvest.tally.drawn() }).finally(() =>
    gateway.progress.publish(task.id, { type: 'finished' }),
  )
  return { task: { ...task, ...result, finishedAt: now }, images: harvest.images.slice(0, task.total) }
}

/** Asks for what is missing, again and again where there is reason to hope and nobody holds the line. */
async function draw(
  gateway: Gateway,
  task: TaskRecord,
  inputs: Inputs,
  run: Run,
  harvest: Harvest,
): Promise<void> {
  for (let vain = 0; ; ) {
    const before = harvest.missing
    const failures = await askEveryone(gateway, task, inputs, run, harvest)
    if (harvest.missing === 0) return
    vain = harvest.missing < before ? 0 : vain + 1
    const pause = run.patient ? pauseAfter(failures, vain) : undefined
    if (pause === undefined) return
    await unlessEnded(run, (signal) => sleep(pause, undefined, { signal: signal() }))
  }
}

/** One candidate after the other is asked for what is still missing. */
async function askEveryone(
  gateway: Gateway,
  task: TaskRecord,
  inputs: Inputs,
  run: Run,
  harvest: Harvest,
): Promise<ProviderError[]> {
  const failures: ProviderError[] = []
  for (const candidate of candidatesFor(gateway, task.job, meansOf(gateway, task))) {
    if (harvest.missing === 0) break
    harvest.tally.asked(askedOf(candidate))
    failures.push(...(await askFor(gateway, task, candidate, inputs, run, harvest)))
  }
  return failures
}

const meansOf = (gateway: Gateway, task: TaskRecord): Means => ({
  credential: credentialOf(gateway, task),
  pool: task.pool,
})

/** Asks one candidate for all that is missing, its calls side by side; whatever one of them does, the others end first. */
async function askFor(
  gateway: Gateway,
  task: TaskRecord,
  candidate: Candidate,
  inputs: Inputs,
  run: Run,
  harvest: Harvest,
): Promise<ProviderError[]> {
  const outcomes = await Promise.allSettled(
    planCalls(candidate, task.job, inputs, harvest).map((planned) =>
      performCall(gateway, task, candidate, planned, run, harvest),
    ),
  )
  const thrown = outcomes.find((outcome) => outcome.status === 'rejected')
  if (thrown) throw thrown.reason
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? (outcome.value ?? []) : []))
}

/** A call with the places of the pictures that it is for. */
interface PlannedCall {
  call: Call
  claimed: number[]
  /** The same for fewer pictures. */
  smaller(images: number): Call | undefined
}

function planCalls(candidate: Candidate, job: ImageJob, inputs: Inputs, harvest: Harvest): PlannedCall[] {
  const smaller = (images: number) => planFor(candidate, job, inputs, images).calls[0]
  const planned = (part: ImageJob, n: number) => {
    const { calls, warnings } = planFor(candidate, part, inputs, n)
    harvest.warn(warnings)
    return calls
  }
  if (!job.oneByOne) {
    const calls = planned(job, harvest.missing)
    return calls.map((call) => ({ call, smaller, claimed: harvest.claim(call.images) }))
  }
  return harvest
    .claim(harvest.missing)
    .flatMap((position) =>
      planned(jobAt(job, position), 1).map((call) => ({ call, smaller, claimed: [position] })),
    )
}

async function performCall(
  gateway: Gateway,
  task: TaskRecord,
  candidate: Candidate,
  { call, claimed, smaller }: PlannedCall,
  run: Run,
  harvest: Harvest,
): Promise<ProviderError | undefined> {
  const { http } = gateway
  const { spool } = run
  const leave = run.patient
    ? await unlessEnded(run, (signal) => gateway.turns.take(task.id, signal()))
    : () => {}
  try {
    const failure = await attempt(gateway, candidate, call.images, run, async (context) => {
      // Another account is asked only for what the one before did not deliver.
      if (claimed.length === 0) return
      const now = claimed.length === call.images ? call : (smaller(claimed.length) ?? call)
      const { account, signal, arrived, delivered } = context
      for await (const event of candidate.provider.run(now, { account, http, spool, signal })) {
        if (event.type !== 'progress') arrived()
        if (event.type === 'image') delivered()
        await harvest.take(candidate, event, claimed)
      }
    })
    await harvest.end(failure, claimed)
    return failure
  } finally {
    leave()
  }
}
