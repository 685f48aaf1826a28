import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { ASPECT_RATIOS, type ImageJob, MAX_PROMPT_LENGTH } from '../../contract/job.ts'
import { type Located, locate } from '../admin/import/locate.ts'
import type { ForeignImage } from '../admin/import/record.ts'
import type { Report } from '../admin/report.ts'
import { toAppError } from '../base/error.ts'
import { newIdAt } from '../base/id.ts'
import { BytesError } from '../bytes/bytes-error.ts'
import { checkPicture } from '../bytes/check-picture.ts'
import type { Spooled } from '../bytes/spooled.ts'
import { addImage } from '../library/add.ts'
import { newTask } from '../tasks/new-task.ts'
import { findRepeated, finishTask } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'
import { keepTask } from './keep-task.ts'

export type ImportParts = Pick<Gateway, 'database' | 'library' | 'search' | 'spools'>

export interface Import {
  /** Name of the product; with a picture's id there it says which pictures are here already. */
  source: string
  /** Where the files are. */
  folder: string
  /** To whom the pictures shall belong. */
  owner: string
  images: Iterable<ForeignImage>
  report: Report
}

/** What became of the records. */
export interface Imported {
  added: number
  /** Were imported before, perhaps deleted since. */
  present: number
  /** Names of files that are not there. */
  missing: string[]
  broken: { file: string; reason: string }[]
}

/**
 * Takes over pictures of another product, each as a finished task with one picture, made when it was made there. What cannot
 * be taken is named in the end; only a full disk stops the whole. Doing it again adds nothing.
 */
export async function importImages(parts: ImportParts, given: Import): Promise<Imported> {
  const result: Imported = { added: 0, present: 0, missing: [], broken: [] }
  let done = 0
  let bytes = 0
  for (const image of given.images) {
    try {
      const outcome = await importImage(parts, given, image)
      if (typeof outcome === 'number') {
        result.added += 1
        bytes += outcome
      } else if (outcome === 'present') result.present += 1
      else result.missing.push(image.file)
    } catch (error) {
      const { code, message } = toAppError(error)
      if (code === 'insufficient_storage') throw error
      const known =
        error instanceof BytesError ? error.detail : error instanceof Error ? error.message : message
      result.broken.push({ file: image.file, reason: known })
    }
    done += 1
    given.report({ what: 'pictures', done, bytes })
  }
  return result
}

/** How many bytes were added, or why none were. */
async function importImage(
  parts: ImportParts,
  { source, folder, owner }: Import,
  image: ForeignImage,
): Promise<number | 'present' | 'missing'> {
  const idempotencyKey = `import:${source}:${createHash('sha256').update(image.id).digest('hex')}`
  if (await findRepeated(parts.database.query, owner, idempotencyKey)) return 'present'
  const located = await locate(folder, image.file)
  if (located === undefined) return 'missing'
  await using spool = parts.spools.scope()
  const picture = await spool.receive(createReadStream(located.path))
  checkPicture(picture)
  await keep(parts, { source, owner, idempotencyKey }, image, located, picture)
  return picture.bytes
}

interface Origin {
  source: string
  owner: string
  idempotencyKey: string
}

async function keep(
  parts: ImportParts,
  { source, owner, idempotencyKey }: Origin,
  image: ForeignImage,
  { modifiedAt }: Located,
  picture: Spooled,
): Promise<void> {
  const createdAt = image.createdAt ?? modifiedAt
  const job = toJob(image)
  const beginning = newTask({ mode: 'sync', owner, job, createdAt, idempotencyKey })
  const task = { ...beginning, id: newIdAt(createdAt) }
  const { id, aspectRatio, rest } = image
  const imported = { from: source, id, ...(aspectRatio && { aspect_ratio: aspectRatio }), ...rest }
  await addImage(
    parts.library,
    {
      id: newIdAt(createdAt),
      createdAt,
      picture,
      taskId: task.id,
      position: 0,
      owner,
      provider: source,
      model: job.model,
      upstreamModel: job.model,
      prompt: job.prompt,
      sentPrompt: undefined,
      revisedPrompt: undefined,
      seed: undefined,
      signature: undefined,
      details: { imported },
    },
    async (query) => {
      await keepTask(parts, query, task)
      const result = { status: 'completed', completed: 1, failed: 0, warnings: [], usage: undefined } as const
      await finishTask(query, task.id, { ...result, error: undefined }, createdAt)
      return true
    },
  )
}

/** Longest name of a model that the tables take. */
const LONGEST_MODEL = 255

function toJob({ prompt, model, aspectRatio }: ForeignImage): ImageJob {
  const ratio = ASPECT_RATIOS.find((known) => known === aspectRatio)
  return {
    kind: 'generate',
    model: (model ?? 'unknown').slice(0, LONGEST_MODEL),
    prompt: prompt.slice(0, MAX_PROMPT_LENGTH),
    n: 1,
    ...(ratio && { aspectRatio: ratio }),
    dialect: 'openai',
  }
}
