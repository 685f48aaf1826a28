import { isFinal } from '../../gateway/accept.ts'
import type { Finished } from '../../gateway/generate.ts'
import type { Library } from '../../library/library.ts'
import { openAiError } from '../error-reply.ts'
import { type Form, toReply } from './reply.ts'

/** An async job as it is polled for and sent to webhooks. */
export async function toJobReply(library: Library, finished: Finished, form: Form) {
  const { task, images } = finished
  return {
    id: task.id,
    object: 'image.job' as const,
    status: task.status,
    created_at: Math.floor(task.createdAt / 1000),
    ...(task.finishedAt === undefined ? {} : { completed_at: Math.floor(task.finishedAt / 1000) }),
    url: `${form.baseUrl}/v1/images/jobs/${task.id}`,
    ...(isFinal(task) && images.length > 0 ? { result: await toReply(library, finished, form) } : {}),
    ...(task.error && images.length === 0 ? { error: openAiError(task.error) } : {}),
  }
}
