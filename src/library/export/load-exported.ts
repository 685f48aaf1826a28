import type { StoredImage } from '../../../contract/image.ts'
import type { ImageJob } from '../../../contract/job.ts'
import { chunked } from '../../db/chunked.ts'
import { ownedImages } from '../find.ts'
import type { Library } from '../library.ts'

/** A picture that was asked for; without `image` where there is none, or it is another owner's. */
export interface Exported {
  id: string
  image: StoredImage | undefined
  /** What its task was asked to do; undefined when the task is gone. */
  job: ImageJob | undefined
}

/** Prompts may be long, so this many rows may be some MB. */
const ROWS = 100

/** Loads pictures with their jobs, in the order of the ids, some at a time. */
export async function* loadExported(
  library: Library,
  owner: string,
  ids: readonly string[],
): AsyncGenerator<Exported> {
  for (const some of chunked(ids, ROWS)) {
    const images = new Map((await ownedImages(library, owner, some)).map((image) => [image.id, image]))
    const jobs = await jobsOf(library, [...new Set([...images.values()].map(({ taskId }) => taskId))])
    for (const id of some) {
      const image = images.get(id)
      yield { id, image, job: image && jobs.get(image.taskId) }
    }
  }
}

async function jobsOf(library: Library, taskIds: readonly string[]): Promise<Map<string, ImageJob>> {
  if (taskIds.length === 0) return new Map()
  const rows = await library.database.query
    .selectFrom('task')
    .select(['id', 'job'])
    .where('id', 'in', taskIds)
    .execute()
  return new Map(rows.map(({ id, job }) => [id, JSON.parse(job)]))
}
