import type { StoredImage } from '../../contract/image.ts'
import type { Call, Inputs } from '../providers/provider.ts'
import type { ProviderError } from '../providers/provider-error.ts'
import { finishTask, type TaskRecord } from '../tasks/task-table.ts'
import { attempt, type Run } from './attempt.ts'
import { asClientError, mayGoOn } from './failure.ts'
import type { Gateway } from './gateway.ts'
import { Harvest } from './harvest.ts'
import { type Candidate, planFor, type Routed, route } from './route.ts'

/** A finished task with its pictures. */
export interface Finished {
  task: TaskRecord
  images: readonly StoredImage[]
}

/**
 * Runs an accepted task to its end: route → plan → attempt → store, with the pictures still missing going to the next
 * candidate. What goes wrong on the way is the task's error and is not thrown; only a stopping server throws, and
 * leaves the task to be run again.
 */
export async function generate(
  gateway: Gateway,
  task: TaskRecord,
  inputs: Inputs,
  run: Run,
  already: readonly StoredImage[] = [],
): Promise<Finished> {
  const harvest = new Harvest(gateway, task, already)
  const unforeseen = await draw(gateway, task, inputs, run, harvest).then(
    () => undefined,
    (error: unknown) => asClientError(error),
  )
  run.stopping?.throwIfAborted()
  if (unforeseen?.code === 'server_error')
    gateway.log.error({ err: unforeseen.cause, task: task.id }, 'task failed')
  const result = harvest.result(unforeseen)
  const now = gateway.clock.now()
  await finishTask(gateway.database.query, task.id, result, now).finally(() =>
    gateway.progress.publish(task.id, { type: 'finished' }),
  )
  return { task: { ...task, ...result, finishedAt: now }, images: harvest.images.slice(0, task.total) }
}

async function draw(
  gateway: Gateway,
  task: TaskRecord,
  inputs: Inputs,
  run: Run,
  harvest: Harvest,
): Promise<void> {
  const routed = route(gateway, task.job)
  for (const candidate of routed.candidates) {
    if (harvest.missing <= 0) return
    const failures = await askFor(gateway, routed, candidate, inputs, run, harvest)
    if (!failures.some(mayGoOn)) return
  }
}

/** Asks one candidate for all that is missing, its calls side by side; whatever one of them does, the others end first. */
async function askFor(
  gateway: Gateway,
  { job }: Routed,
  candidate: Candidate,
  inputs: Inputs,
  run: Run,
  harvest: Harvest,
): Promise<ProviderError[]> {
  const plan = planFor(candidate, job, inputs, harvest.missing)
  harvest.warn(plan.warnings)
  const smaller = (images: number) => planFor(candidate, job, inputs, images).calls[0]
  const outcomes = await Promise.allSettled(
    plan.calls.map((call) => performCall(gateway, candidate, { call, smaller }, run, harvest)),
  )
  const thrown = outcomes.find((outcome) => outcome.status === 'rejected')
  if (thrown) throw thrown.reason
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? (outcome.value ?? []) : []))
}

/** A call, and the same for fewer pictures. */
interface Divisible {
  call: Call
  smaller(images: number): Call | undefined
}

async function performCall(
  gateway: Gateway,
  candidate: Candidate,
  { call, smaller }: Divisible,
  run: Run,
  harvest: Harvest,
) {
  let delivered = 0
  const { http } = gateway
  const { spool } = run
  const failure = await attempt(gateway, candidate, run, async ({ account, signal, arrived }) => {
    // Another account is asked only for what the one before did not deliver.
    const left = call.images - delivered
    if (left <= 0) return
    const now = delivered === 0 ? call : (smaller(left) ?? call)
    for await (const event of candidate.provider.run(now, { account, http, spool, signal })) {
      if (event.type !== 'progress') arrived()
      if (event.type === 'image' || event.type === 'blocked') delivered += 1
      await harvest.take(candidate, event)
    }
  })
  if (failure) harvest.fail(failure, Math.max(0, call.images - delivered))
  return failure
}
