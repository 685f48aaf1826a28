import type { StoredImage } from '../../contract/image.ts'
import type { Warning } from '../../contract/job.ts'
import { AppError } from '../base/error.ts'
import { BytesError } from '../bytes/bytes-error.ts'
import { checkPicture } from '../bytes/check-picture.ts'
import type { Spooled } from '../bytes/spooled.ts'
import { addImage } from '../library/add.ts'
import type { ImageEvent } from '../providers/provider.ts'
import { ProviderError } from '../providers/provider-error.ts'
import type { TaskRecord, TaskResult } from '../tasks/task-table.ts'
import { mayGoOn, toClientError } from './failure.ts'
import type { Gateway } from './gateway.ts'
import type { Candidate } from './route.ts'

/** What a running task has brought in so far. Each arriving picture is kept before anybody hears of it. */
export class Harvest {
  readonly images: StoredImage[]
  readonly #gateway: Gateway
  readonly #task: TaskRecord
  readonly #warnings: Warning[] = []
  readonly #failures: ProviderError[] = []
  #usage: Record<string, unknown> | undefined
  #nextPosition: number
  /** Pictures that will not be asked for again: delivered, withheld, or perhaps paid for and lost. */
  #settled: number

  constructor(gateway: Gateway, task: TaskRecord, already: readonly StoredImage[]) {
    this.#gateway = gateway
    this.#task = task
    this.images = [...already]
    this.#settled = already.length
    this.#nextPosition = Math.max(-1, ...already.map((image) => image.position)) + 1
  }

  /** How many pictures are still to be asked for. */
  get missing(): number {
    return this.#task.total - this.#settled
  }

  warn(warnings: readonly Warning[]): void {
    const known = new Set(this.#warnings.map((warning) => warning.message))
    this.#warnings.push(...warnings.filter((warning) => !known.has(warning.message)))
  }

  /** Notes that a call failed with `undelivered` of its pictures still missing. */
  fail(failure: ProviderError, undelivered: number): void {
    this.#failures.push(failure)
    if (failure.maybePaid) this.#settled += undelivered
  }

  async take(candidate: Candidate, event: ImageEvent): Promise<void> {
    switch (event.type) {
      case 'image':
        return this.#keep(candidate, event)
      case 'usage':
        this.#usage = addUp(this.#usage, event.usage)
        return
      case 'blocked':
        this.#lose(new ProviderError('moderation', { detail: event.reason }))
        return
      case 'progress':
      case 'partial':
        this.#gateway.progress.publish(this.#task.id, event)
        return
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
      usage: this.#usage,
      error: completed > 0 ? undefined : error,
      repeatable: completed === 0 && unforeseen === undefined && this.#failures.every(mayGoOn),
    }
  }

  async #keep(candidate: Candidate, event: ImageEvent & { type: 'image' }): Promise<void> {
    const flaw = flawOf(event.picture)
    if (flaw) return this.#lose(flaw)
    const position = this.#nextPosition++
    const seed = event.details?.seed ?? this.#task.job.seed
    const image = await addImage(this.#gateway.library, {
      picture: event.picture,
      taskId: this.#task.id,
      position,
      owner: this.#task.owner,
      provider: candidate.provider.name,
      model: this.#task.job.model,
      upstreamModel: candidate.model,
      prompt: this.#task.job.prompt,
      revisedPrompt: event.revisedPrompt,
      seed: typeof seed === 'number' ? seed : undefined,
      signature: event.signature,
      details: event.details ?? {},
    })
    this.#gateway.metrics.drawn({ provider: image.provider, model: image.upstreamModel, outcome: 'ok' })
    this.images.push(image)
    this.images.sort((a, b) => a.position - b.position)
    this.#settled += 1
    this.#gateway.progress.publish(this.#task.id, { type: 'image', image })
  }

  /** One picture was paid for and cannot be had; the others of its call still may. */
  #lose(failure: ProviderError): void {
    this.#failures.push(failure)
    this.#settled += 1
  }

  /** The failure to tell of: moderation before all, because the caller can do something about it; else the last one. */
  #worst(): AppError {
    const failure = this.#failures.find((failure) => failure.kind === 'moderation') ?? this.#failures.at(-1)
    return failure
      ? toClientError(failure)
      : new AppError('no_image', { values: { detail: 'it said no more.' } })
  }
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

/** Adds token counts up over several calls, field by field; what is no number keeps its last value. */
function addUp(sum: Record<string, unknown> | undefined, more: Readonly<Record<string, unknown>>) {
  const total: Record<string, unknown> = { ...sum }
  for (const [key, value] of Object.entries(more)) {
    const before = total[key]
    if (typeof value === 'number' && typeof before === 'number') total[key] = before + value
    else if (isRecord(value)) total[key] = addUp(isRecord(before) ? before : undefined, value)
    else total[key] = value
  }
  return total
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
