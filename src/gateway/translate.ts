import type { Warning } from '../../contract/job.ts'
import { setJob, type TaskRecord } from '../tasks/task-table.ts'
import type { Run } from './attempt.ts'
import { editPrompt } from './edit-prompt.ts'
import { asClientError } from './failure.ts'
import type { Gateway } from './gateway.ts'
import { needsTranslation, translatePrompt } from './translation/translate-prompt.ts'

/** A task whose job says what is to be sent, and what to tell the caller about it. */
export interface Translated {
  task: TaskRecord
  warnings: readonly Warning[]
}

/**
 * Finds the words for the upstream: translated where that is on and the prompt is not English, and put into the template
 * of an edit mode. What was asked stays as it is beside them. A failure is a warning and the original words go out;
 * a run that has ended is left to the next step, which notices.
 */
export async function translate(gateway: Gateway, task: TaskRecord, run: Run): Promise<Translated> {
  const { job } = task
  if (job.sentPrompt !== undefined) return { task, warnings: [] }
  const { words, warnings } = await wordsOf(gateway, task, run)
  const sentPrompt = job.edit ? editPrompt(job.edit, words) : words
  if (sentPrompt === job.prompt) return { task, warnings }
  const translated = { ...task, job: { ...job, sentPrompt } }
  await setJob(gateway.database.query, translated).catch((error: unknown) =>
    gateway.log.error({ err: error, task: task.id }, 'what is sent could not be written down'),
  )
  return { task: translated, warnings }
}

async function wordsOf(gateway: Gateway, { id, job }: TaskRecord, run: Run): Promise<Words> {
  const { enabled, enhance } = gateway.settings.translation
  if (!enabled || !needsTranslation(job.prompt)) return { words: job.prompt, warnings: [] }
  try {
    const { translated } = await translatePrompt(gateway, { prompt: job.prompt, enhance }, run)
    return { words: translated, warnings: [] }
  } catch (error) {
    const { code, message } = asClientError(error)
    if (code === 'job_cancelled') return { words: job.prompt, warnings: [] }
    gateway.log.warn({ err: error, task: id }, 'a prompt was not translated')
    return { words: job.prompt, warnings: [untranslated(message)] }
  }
}

interface Words {
  words: string
  warnings: Warning[]
}

const untranslated = (reason: string): Warning => ({
  param: 'prompt',
  message: `The prompt was not translated and was sent as it is: ${reason}`,
})
