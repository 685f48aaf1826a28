import { ERRORS } from '../../../contract/errors.ts'
import type { StoredImage } from '../../../contract/image.ts'
import type { ImageJob, Warning } from '../../../contract/job.ts'
import { withPrefix } from '../../bytes/write-json.ts'
import type { Finished } from '../../gateway/generate.ts'
import { deliverable, imageUrl, prepareFormat } from '../../library/deliver.ts'
import type { Library } from '../../library/library.ts'
import type { TaskRecord } from '../../tasks/task-table.ts'
import { type Form, mimeOf, NAMES, warningsOf } from './reply.ts'

export interface PredictForm extends Form {
  /**
   * Whether there is an entry for each picture that moderation withheld. As with Google, clients have to ask for these, since
   * many read a picture from every entry.
   */
  filtered: boolean
  /** What is to be said beside the task's own warnings. */
  warnings: readonly Warning[]
}

/** The body of a successful `predict`. */
export async function toPredictReply(
  library: Library,
  { task, images }: Finished,
  { filtered, warnings, ...form }: PredictForm,
) {
  const predictions = await Promise.all(images.map((image) => toPrediction(library, image, task.job, form)))
  return {
    predictions: [...predictions, ...(filtered ? reasonsOf(task) : [])],
    ...warningsOf(task, { ...NAMES, n: 'sampleCount' }, warnings),
  }
}

async function toPrediction(
  library: Library,
  image: StoredImage,
  job: ImageJob,
  { linksOnly, baseUrl }: Form,
) {
  if (linksOnly) await prepareFormat(library, image, job)
  const bytes = linksOnly
    ? {}
    : { bytesBase64Encoded: withPrefix(await deliverable(library, image, job), '') }
  return {
    ...bytes,
    mimeType: mimeOf(image, job),
    ...(image.revisedPrompt ? { prompt: image.revisedPrompt } : {}),
    imageUrl: imageUrl(baseUrl, image, job.outputFormat),
  }
}

/** Where some pictures came and others did not, the warning about the others is all that is kept of why. */
function reasonsOf({ warnings, failed }: TaskRecord): { raiFilteredReason: string }[] {
  const reason = warnings.find(({ message }) => message.includes(MODERATED))?.message
  if (reason === undefined) return []
  return Array.from({ length: failed }, () => ({
    raiFilteredReason: reason.slice(reason.indexOf(MODERATED)),
  }))
}

const [MODERATED = ''] = ERRORS.content_policy_violation.en.split('{')
