import type { BatchMessage } from '../../../contract/batch.ts'
import type { ErrorCode } from '../../../contract/errors.ts'
import type { StoredImage } from '../../../contract/image.ts'
import type { Finished } from '../../gateway/generate.ts'
import { type Reader, toBatchImage } from './reply.ts'
import { BATCH_TEXTS } from './texts.ts'

/** How a running task stands, as the text of a frame. */
export function progressMessage({ task }: Finished, latest: StoredImage | undefined, reader: Reader): string {
  return toText({
    type: 'progress',
    taskId: task.id,
    completedCount: task.completed,
    totalCount: task.total,
    latestImage: latest ? toBatchImage(latest, reader) : null,
    message: BATCH_TEXTS[reader.language].progress(task.completed, task.total),
  })
}

/** What is said at the end of a task: `complete`, and before it `error` where something went wrong on our side. */
export function lastMessages({ task }: Finished, { language }: Reader): string[] {
  const texts = BATCH_TEXTS[language]
  const counts = {
    taskId: task.id,
    completedCount: task.completed,
    totalCount: task.total,
    latestImage: null,
  }
  const { error } = task
  const faults =
    error && OUR_FAULTS.has(error.code)
      ? [toText({ type: 'error', ...counts, message: texts.fault(error.text(language)) })]
      : []
  const message = texts.complete(task.completed, task.total - task.completed)
  return [...faults, toText({ type: 'complete', ...counts, message })]
}

const OUR_FAULTS: ReadonlySet<ErrorCode> = new Set(['server_error', 'insufficient_storage', 'interrupted'])

const toText = (message: BatchMessage): string => JSON.stringify(message)
