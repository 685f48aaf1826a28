import type { StoredImage } from '../../contract/image.ts'
import type { ImageJob, Warning } from '../../contract/job.ts'
import { AppError } from '../base/error.ts'
import { BytesError } from '../bytes/bytes-error.ts'
import { checkPicture } from '../bytes/check-picture.ts'
import type { Spooled } from '../bytes/spooled.ts'
import { addImage } from '../library/add.ts'
import { removeImages } from '../library/trash.ts'
import type { ImageEvent } from '../providers/provider.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { countPictures, type TaskRecord, type TaskResult } from '../tasks/task-table.ts'
import { mayGoOn, toClientError } from './failure.ts'
import type { Gateway } from './gateway.ts'
import { type Candidate, jobAt } from './route.ts'
import { type Asked, createTally, toPriced } from './tally.ts'

/** What a running task has brought in so far. Each arriving picture is kept before anybody hears of it. */
export class Harvest {
  readonly images: StoredImage[]
  /** What each candidate has brought. */
  readonly tally = createTally()
  readonly #gateway: Gateway
  readonly #task: TaskRecord
  readonly #warnings: Warning[] = []
  readonly #failures: ProviderError[] = []
  /** Places of pictures that are still to be asked for, ascending. */
  #open: number[]
  /** Where a picture goes that nobody asked for. */
  #beyond: number

  constructor(gateway: Gateway, task: TaskRecord, already: readonly StoredImage[]) {
    this.#gateway = gateway
    this.#task = task
    this.images = [...already]
    const taken = new Set(already.map(({ position }) => position))
    const free = Array.from({ length: task.total }, (_, position) => position).filter(
      (position) => !taken.has(position),
    )
    // What was lost in an earlier run is not asked for again.
    this.#open = free.slice(task.failed)
    this.#beyond = Math.max(task.total - 1, ...taken) + 1
  }

  /** How many pictures are still to be asked for. */
  get missing(): number {
    return this.#open.length
  }

  /** Takes places for pictures that are going to be asked for. What becomes of each is to be told: picture, loss or failure. */
  claim(count: number): number[] {
    return this.#open.splice(0, count)
  }

  warn(warnings: readonly Warning[]): void {
    const known = new Set(this.#warnings.map((warning) => warning.message))
    this.#warnings.push(...warnings.filter((warning) => !known.has(warning.message)))
  }

  /** Notes that a call ended, with a failure or without one, while its places in `claimed` stayed empty. */
  async end(failure: ProviderError | undefined, claimed: number[]): Promise<void> {
    if (failure) this.#failures.push(failure)
    const empty = claimed.splice(0)
    if (failure && mayGoOn(failure)) this.#open = [...this.#open, ...empty].sort((a, b) => a - b)
    else if (empty.length > 0)
      await countPictures(this.#gateway.database.query, this.#task.id, { failed: empty.length })
  }

  /** Takes what a call yields; a picture goes to the next of the places in `claimed`. */
  async take(candidate: Candidate, event: ImageEvent, claimed: number[]): Promise<void> {
    switch (event.type) {
      case 'image':
        return this.#keep(candidate, event, claimed)
      case 'usage':
        this.tally.usage(askedOf(candidate), event.usage)
        return
      case 'blocked':
        return this.#lose(new ProviderError('moderation', { detail: event.reason }), claimed)
      case 'progress':
      case 'partial':
        this.#gateway.progress.publish(this.#task.id, event)
        return
      case 'warning':
        return this.warn([event.warning])
      case 'arriving':
      case 'text':
        return
    }
  }

  /** What the task came to; `unforeseen` is what ended it beside the upstream's failures. */
  result(unforeseen: AppError | undefined): TaskResult {
    const completed = Math.min(this.images.length, this.#task.total)
    const failed = this.#task.total - completed
    const error = failed === 0 ? undefined : (unforeseen ?? this.#worst())
    const cancelled = error?.code === 'job_cancelled'
    if (completed > 0 && error) {
      const message = `${failed} of ${this.#task.total} pictures failed: ${error.message}`
      this.warn([{ param: 'n', message }])
    }
    return {
      status: failed === 0 ? 'completed' : completed > 0 ? 'partial' : cancelled ? 'cancelled' : 'failed',
      completed,
      failed,
      warnings: this.#warnings,
      usage: this.tally.total(),
      error,
      repeatable: completed === 0 && unforeseen === undefined && this.#failures.every(mayGoOn),
    }
  }

  async #keep(candidate: Candidate, event: ImageEvent & { type: 'image' }, claimed: number[]): Promise<void> {
    const flaw = flawOf(event.picture)
    if (flaw) return this.#lose(flaw, claimed)
    const asked = claimed.shift()
    const position = asked ?? this.#beyond++
    const image = await addImage(
      this.#gateway.library,
      {
        picture: event.picture,
        taskId: this.#task.id,
        position,
        owner: this.#task.owner,
        provider: candidate.provider.name,
        model: this.#task.job.model,
        upstreamModel: candidate.model,
        prompt: this.#task.job.prompt,
        sentPrompt: this.#task.job.sentPrompt,
        revisedPrompt: event.revisedPrompt,
        seed: seedOf(event, this.#task.job, position),
        signature: event.signature,
        details: event.details ?? {},
      },
      async (query, { id }) => {
        const completed = asked === undefined ? 0 : 1
        const isWanted = await countPictures(query, this.#task.id, { completed })
        // Who deleted the task did not see this picture.
        if (!isWanted) await removeImages(this.#gateway.library, query, this.#task.owner, [id])
        return isWanted
      },
    )
    this.#gateway.metrics.drawn({ provider: image.provider, model: image.upstreamModel, outcome: 'ok' })
    this.tally.picture(askedOf(candidate), toPriced(image))
    this.images.push(image)
    this.images.sort((a, b) => a.position - b.position)
    this.#gateway.progress.publish(this.#task.id, { type: 'image', image })
  }

  /** One picture was paid for and cannot be had; the others of its call still may. */
  async #lose(failure: ProviderError, claimed: number[]): Promise<void> {
    this.#failures.push(failure)
    if (claimed.shift() !== undefined)
      await countPictures(this.#gateway.database.query, this.#task.id, { failed: 1 })
  }

  /** The failure to tell of: moderation before all, because the caller can do something about it; else the last one. */
  #worst(): AppError {
    const failure = this.#failures.find((failure) => failure.kind === 'moderation') ?? this.#failures.at(-1)
    return failure
      ? toClientError(failure)
      : new AppError('no_image', { values: { detail: 'it said no more.' } })
  }
}

/** A candidate as the tally knows it. */
export const askedOf = ({ provider, model }: Candidate): Asked => ({ provider: provider.name, model })

/** What the upstream says, else what it was asked with. */
function seedOf({ details }: ImageEvent & { type: 'image' }, job: ImageJob, position: number) {
  const seed = details?.seed ?? jobAt(job, position).seed
  return typeof seed === 'number' ? seed : undefined
}

function flawOf(picture: Spooled): ProviderError | undefined {
  try {
    checkPicture(picture)
    return undefined
  } catch (error) {
    if (!(error instanceof BytesError)) throw error
    return new ProviderError('upstream_bug', { detail: error.detail, maybePaid: true, cause: error })
  }
}
