import type { StoredImage } from '../../contract/image.ts'
import type { ImageJob } from '../../contract/job.ts'
import type { Caller } from '../access/keys.ts'
import { chargePictures } from '../access/quota.ts'
import { dayIn } from '../base/day.ts'
import { checkPicture } from '../bytes/check-picture.ts'
import type { Spooled } from '../bytes/spooled.ts'
import { addImage } from '../library/add.ts'
import type { Account, ChatReply } from '../providers/provider.ts'
import { newTask } from '../tasks/new-task.ts'
import { countPictures, type TaskRecord } from '../tasks/task-table.ts'
import { noteChat } from './chat-usage.ts'
import { endTask } from './end-task.ts'
import type { Gateway } from './gateway.ts'
import { askedOf } from './harvest.ts'
import { keepTask } from './keep-task.ts'
import type { Candidate } from './route.ts'
import { createTally, toPriced } from './tally.ts'

/** Keeps the pictures that a chat upstream draws within an answer. A chat without pictures leaves no trace but its usage. */
export interface ChatAlbum {
  /** Keeps one picture. @throws BytesError for what is no whole picture */
  add(picture: Spooled, facts: { signature?: string }): Promise<StoredImage>
  /** Closes the task that the pictures belong to, if any came, and counts the chat. @param how whether the answer came to its end */
  close(how: 'completed' | 'failed'): Promise<void>
}

export interface AlbumOptions {
  caller: Caller
  /** As the client named it. */
  model: string
  jobOf: () => ImageJob
  candidate: Candidate
  /** The one that was asked. */
  account: Account
  reply: Pick<ChatReply, 'usage'>
  /** When the chat began, in ms since the epoch. */
  begun: number
}

/** The task is made with the first picture, since nobody can know before whether one will come. */
export function createChatAlbum(gateway: Gateway, options: AlbumOptions): ChatAlbum {
  const { caller, model: asked, jobOf, candidate, account, reply, begun } = options
  const { owner } = caller
  const tally = createTally()
  let task: Promise<TaskRecord> | undefined
  let count = 0

  async function makeTask() {
    const made = newTask({ mode: 'sync', owner, job: jobOf(), createdAt: begun })
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
      const image = {
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
      }
      const stored = await addImage(gateway.library, image, async (query) => {
        const isThere = await countPictures(query, taskId, { completed: 1 })
        if (caller.keyId !== undefined)
          await chargePictures(gateway.database, query, owner, 1, today(gateway))
        return isThere
      })
      tally.picture(askedOf(candidate), toPriced(stored))
      return stored
    },
    close: async (how) => {
      const usage = reply.usage()
      if (task === undefined) {
        noteChat(gateway, { owner, model: asked, candidate, begun, usage, how })
        return
      }
      if (usage) tally.usage(askedOf(candidate), usage)
      const result = {
        status: 'completed' as const,
        completed: count,
        failed: 0,
        warnings: [],
        usage: undefined,
        total: count,
        error: undefined,
      }
      const now = gateway.clock.now()
      await endTask(gateway, await task, { result, now, drawn: tally.drawn() })
    },
  }
}

const today = ({ settings, clock }: Gateway): string => dayIn(settings.timeZone, clock.now())
