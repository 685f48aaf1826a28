import type { StoredImage } from '../../contract/image.ts'
import type { ImageJob } from '../../contract/job.ts'
import { checkPicture } from '../bytes/check-picture.ts'
import type { Spooled } from '../bytes/spooled.ts'
import { addImage } from '../library/add.ts'
import type { Account } from '../providers/provider.ts'
import { newTask } from '../tasks/new-task.ts'
import { finishTask, type TaskRecord } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'
import { keepTask } from './keep-task.ts'
import type { Candidate } from './route.ts'

/** Keeps the pictures that a chat upstream draws within an answer. A chat without pictures leaves no trace. */
export interface ChatAlbum {
  /** Keeps one picture. @throws BytesError for what is no whole picture */
  add(picture: Spooled, facts: { signature?: string }): Promise<StoredImage>
  /** Closes the task that the pictures belong to, if any came. */
  close(): Promise<void>
}

export interface AlbumOptions {
  owner: string
  jobOf(): ImageJob
  candidate: Candidate
  /** The one that was asked. */
  account: Account
}

/** The task is made with the first picture, since nobody can know before whether one will come. */
export function createChatAlbum(
  gateway: Gateway,
  { owner, jobOf, candidate, account }: AlbumOptions,
): ChatAlbum {
  let task: Promise<TaskRecord> | undefined
  let count = 0

  async function makeTask() {
    const made = newTask({ mode: 'sync', owner, job: jobOf(), createdAt: gateway.clock.now() })
    await gateway.database.query.transaction().execute((query) => keepTask(gateway, query, made))
    return made
  }

  return {
    add: async (picture, { signature }) => {
      checkPicture(picture)
      task ??= makeTask()
      const position = count++
      const { id: taskId, job } = await task
      const { provider, model } = candidate
      gateway.accounts.drew(account, 1)
      gateway.metrics.drawn({ provider: provider.name, model, outcome: 'ok' })
      return addImage(gateway.library, {
        picture,
        taskId,
        position,
        owner,
        provider: provider.name,
        model: job.model,
        upstreamModel: model,
        prompt: job.prompt,
        sentPrompt: undefined,
        revisedPrompt: undefined,
        seed: undefined,
        signature,
        details: {},
      })
    },
    close: async () => {
      if (task === undefined) return
      const result = {
        status: 'completed' as const,
        completed: count,
        failed: 0,
        warnings: [],
        usage: undefined,
      }
      await finishTask(
        gateway.database.query,
        (await task).id,
        { ...result, total: count, error: undefined },
        gateway.clock.now(),
      )
    },
  }
}
