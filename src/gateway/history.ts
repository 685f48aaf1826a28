import { readCounter } from '../db/counter.ts'
import { imagesOfTasks } from '../library/find.ts'
import { findTasks, listTasks } from '../tasks/history.ts'
import type { TaskRecord } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'
import type { Finished } from './generate.ts'

/** Some tasks of an owner with their pictures. */
export interface HistoryPage {
  list: readonly Finished[]
  /** How many there are in all. */
  total: number
}

/** One page of an owner's tasks, newest first. `before` is the id of the last task of the page before, and goes before `page`. */
export async function readHistory(
  gateway: Gateway,
  {
    owner,
    page,
    pageSize,
    before,
  }: { owner: string; page: number; pageSize: number; before?: string | undefined },
): Promise<HistoryPage> {
  const { query } = gateway.database
  const offset = (page - 1) * pageSize
  const tasks = await listTasks(query, { owner, limit: pageSize, offset, before })
  return { list: await withImages(gateway, tasks), total: await readCounter(query, { owner, name: 'tasks' }) }
}

/** One page of those of an owner's tasks whose prompts have all words of the keyword, best first. */
export async function searchHistory(
  gateway: Gateway,
  { owner, keyword, page, pageSize }: { owner: string; keyword: string; page: number; pageSize: number },
): Promise<HistoryPage> {
  const { query } = gateway.database
  const range = { owner, text: keyword, offset: (page - 1) * pageSize, limit: pageSize }
  const { ids, total } = await gateway.search.relevant(query, range)
  return { list: await withImages(gateway, await findTasks(query, owner, ids)), total }
}

async function withImages(gateway: Gateway, tasks: readonly TaskRecord[]): Promise<Finished[]> {
  const images = await imagesOfTasks(
    gateway.library,
    tasks.map(({ id }) => id),
  )
  return tasks.map((task) => ({ task, images: (images.get(task.id) ?? []).slice(0, task.total) }))
}
