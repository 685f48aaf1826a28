import type { BatchImage, BatchTask } from '../../../contract/batch.ts'
import type { StoredImage } from '../../../contract/image.ts'
import type { Finished } from '../../gateway/generate.ts'
import type { TaskRecord } from '../../tasks/task-table.ts'
import type { Language } from '../language.ts'
import { optionsOf } from './codec.ts'
import { BATCH_TEXTS } from './texts.ts'

/** How a reply is worded and where its links point. */
export interface Reader {
  language: Language
  /** Our address as the client knows it, without a trailing slash. */
  baseUrl: string
}

/** A task as batch clients see it. */
export function toBatchTask({ task, images }: Finished, reader: Reader): BatchTask {
  const updatedAt = task.finishedAt ?? Math.max(task.createdAt, ...images.map((image) => image.createdAt))
  return {
    id: task.id,
    prompt: task.job.prompt,
    model: task.job.model,
    totalCount: task.total,
    completedCount: task.completed,
    status: statusOf(task),
    options: optionsOf(task.job),
    errorMessage: problemsOf(task, reader.language).join(BATCH_TEXTS[reader.language].separator),
    createdAt: toTime(task.createdAt),
    updatedAt: toTime(updatedAt),
    images: images.map((image) => toBatchImage(image, reader)),
  }
}

/** A picture as batch clients see it. The paths are names, not places: files are found through the URLs. */
export function toBatchImage(image: StoredImage, { baseUrl }: Reader): BatchImage {
  return {
    id: image.id,
    taskId: image.taskId,
    filePath: `./storage/images/${image.id}.${endingOf(image.mime)}`,
    thumbnailPath: `./storage/thumbnails/thumb_${image.id}.webp`,
    fileSize: image.bytes,
    width: image.width,
    height: image.height,
    mimeType: image.mime,
    createdAt: toTime(image.createdAt),
    url: `${baseUrl}/images/${image.id}`,
    thumbnailUrl: `${baseUrl}/images/${image.id}/thumbnail`,
  }
}

/** A stopped batch is cancelled also where some of its pictures had come. */
function statusOf({ status, error }: TaskRecord): BatchTask['status'] {
  if (status === 'queued' || status === 'running') return 'processing'
  return error?.code === 'job_cancelled' ? 'cancelled' : status
}

function problemsOf({ job, total, completed, failed, status, error }: TaskRecord, language: Language) {
  const texts = BATCH_TEXTS[language]
  const cut = total < job.n ? [texts.cut(total, job.n)] : []
  if (error === undefined || status === 'queued' || status === 'running') return cut
  const reason = error.text(language)
  return [...cut, completed > 0 ? texts.failed(failed, reason) : reason]
}

const toTime = (milliseconds: number): string => new Date(milliseconds).toISOString()

const endingOf = (mime: string): string => mime.replace('image/', '').replace('jpeg', 'jpg')
