import { createHash } from 'node:crypto'
import type { ImageJob } from '../../contract/job.ts'
import { FINAL_STATUSES, type TaskMode } from '../../contract/task.ts'
import type { Caller } from '../access/keys.ts'
import { AppError } from '../base/error.ts'
import type { Spooled } from '../bytes/spooled.ts'
import { addToCounters } from '../db/counter.ts'
import { isUniqueViolation } from '../db/errors.ts'
import { holdBlob, localBlob, noteBlob, putBlob } from '../library/blob.ts'
import type { Inputs } from '../providers/provider.ts'
import { newTask } from '../tasks/new-task.ts'
import { insertInputs, type TaskInput } from '../tasks/task-input-table.ts'
import { findRepeated, type TaskRecord } from '../tasks/task-table.ts'
import { candidatesFor } from './candidates.ts'
import { type Credential, sealCredential } from './credential.ts'
import type { Gateway } from './gateway.ts'
import { keepTask } from './keep-task.ts'
import { checkAllowed, planReservation, reserve } from './limits.ts'
import { signaturesOf } from './signatures.ts'

/** What a surface hands over: the job and the circumstances under which it was asked. */
export interface Submission {
  job: ImageJob
  inputs: Inputs
  mode: TaskMode
  caller: Caller
  idempotencyKey?: string | undefined
  webhookUrl?: string | undefined
  /** How many pictures of the job are accepted; default all. */
  total?: number | undefined
  /** The caller's own key for the upstream. */
  credential?: Credential | undefined
}

export interface Accepted {
  task: TaskRecord
  /** The input pictures where they are kept now. */
  inputs: Inputs
  /** The same request was accepted before: wait for its result instead of running it. */
  repeated: boolean
}

/**
 * Turns a submission into a task that survives a restart: input pictures kept, row written.
 * Throws what makes the request impossible from the start: a model that is unknown or not for this key, unsupported kind,
 * a reused idempotency key, a limit of the key that is reached, a full disk.
 */
export async function accept(gateway: Gateway, submission: Submission): Promise<Accepted> {
  const { credential, caller } = submission
  checkAllowed(gateway, caller, submission.job.model)
  candidatesFor(gateway, submission.job, { credential, pool: caller.accountPool })
  const beginning = newTask({
    ...submission,
    owner: caller.owner,
    pool: caller.accountPool,
    requestHash: submission.idempotencyKey ? requestHash(submission) : '',
    createdAt: gateway.clock.now(),
  })
  const task = credential
    ? { ...beginning, credential: sealCredential(gateway, beginning.id, credential) }
    : beginning
  const earlier = await findEarlier(gateway, task)
  if (earlier) return { task: earlier, inputs: submission.inputs, repeated: true }
  await gateway.room.check()
  const reservation = planReservation(gateway, caller, task.total)
  const pictures = inputPictures(submission.inputs)
  for (const { picture } of pictures) await putBlob(gateway.library, picture)
  try {
    await gateway.database.query.transaction().execute(async (query) => {
      let kept = 0
      for (const { picture } of inOrder(pictures)) kept += await holdBlob(gateway.library, query, picture)
      await insertInputs(query, task.id, pictures.map(toTaskInput))
      await addToCounters(gateway.database, query, [{ owner: task.owner, name: 'blob_bytes', change: kept }])
      await keepTask(gateway, query, task, reservation)
      await reserve(gateway, query, reservation)
    })
  } catch (error) {
    for (const { picture } of pictures) await noteBlob(gateway.library, gateway.database.query, picture)
    // Two requests with the same key at the same moment: the other one was first.
    const first = isUniqueViolation(error) ? await findEarlier(gateway, task) : undefined
    if (first) return { task: first, inputs: submission.inputs, repeated: true }
    throw error
  }
  return { task, inputs: await keptInputs(gateway, submission), repeated: false }
}

/** Whether nothing more will happen to a task. */
export const isFinal = (task: Pick<TaskRecord, 'status'>): boolean => FINAL_STATUSES.includes(task.status)

async function findEarlier(gateway: Gateway, task: TaskRecord): Promise<TaskRecord | undefined> {
  if (task.idempotencyKey === undefined) return undefined
  const earlier = await findRepeated(gateway.database.query, task.owner, task.idempotencyKey)
  if (earlier && earlier.requestHash !== task.requestHash) throw new AppError('idempotency_key_reused')
  return earlier
}

function requestHash({ job, inputs, mode, webhookUrl }: Submission): string {
  const pictures = inputPictures(inputs).map(({ role, picture }) => [role, picture.sha256])
  return createHash('sha256')
    .update(JSON.stringify([job, pictures, mode, webhookUrl ?? null]))
    .digest('hex')
}

interface InputPicture {
  role: TaskInput['role']
  position: number
  picture: Spooled
}

function inputPictures({ images, mask }: Inputs): InputPicture[] {
  const pictures = images.map((picture, position): InputPicture => ({ role: 'image', position, picture }))
  return mask ? [...pictures, { role: 'mask', position: 0, picture: mask }] : pictures
}

/** Always in the same order, or two tasks with the same pictures could each wait for the other. */
const inOrder = (pictures: readonly InputPicture[]): InputPicture[] =>
  pictures.toSorted((a, b) => (a.picture.sha256 < b.picture.sha256 ? -1 : 1))

const toTaskInput = ({ role, position, picture }: InputPicture): TaskInput => ({
  role,
  position,
  sha256: picture.sha256,
})

async function keptInputs(gateway: Gateway, { inputs, caller: { owner } }: Submission): Promise<Inputs> {
  const { images, mask, signatures } = inputs
  const kept = (picture: Spooled) => localBlob(gateway.library, picture.sha256)
  return {
    images: await Promise.all(images.map(kept)),
    mask: mask && (await kept(mask)),
    signatures: await signaturesOf(gateway.library, owner, images, signatures),
  }
}
