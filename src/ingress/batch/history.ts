import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import {
  BatchError,
  BatchTask,
  envelope,
  HistoryPage,
  HistoryQuery,
  SearchQuery,
} from '../../../contract/batch.ts'
import { AppError } from '../../base/error.ts'
import { isId } from '../../base/id.ts'
import { deleteTasks } from '../../gateway/delete-tasks.ts'
import type { Finished } from '../../gateway/generate.ts'
import { readHistory, searchHistory } from '../../gateway/history.ts'
import { loadWithImages } from '../../gateway/run.ts'
import { batchShape, errorReply } from '../error-reply.ts'
import type { Surface } from '../surface.ts'
import { toBatchTask } from './reply.ts'
import { inWordsOf } from './reword.ts'
import { success } from './success.ts'
import { readerOf } from './tasks.ts'

const Params = Type.Object({ id: Type.String() })
const Ids = Type.Object({ ids: Type.Array(Type.String(), { minItems: 1, maxItems: 10_000 }) })
const errors = { '4xx': BatchError, '5xx': BatchError }
const page = { tags: ['History'], response: { 200: envelope(HistoryPage), ...errors } }
const gone = { tags: ['History'], response: { 200: envelope(Type.Null()), ...errors } }

const PAGE_SIZE = 10

/** `/history/**`: every task of the caller, whatever the surface it came through. */
export function historyRoutes(app: FastifyInstance, surface: Surface): void {
  const { gateway } = surface
  app.setErrorHandler(
    errorReply(
      batchShape,
      inWordsOf({ invalid: 'invalid_arguments', keep: ['missing_keyword'], fault: 'history_failed' }),
    ),
  )

  app.get<{ Querystring: HistoryQuery }>(
    '/history',
    { schema: { ...page, summary: 'Your tasks, newest first', querystring: HistoryQuery } },
    async (request) => {
      const { page = 1, pageSize = PAGE_SIZE, cursor } = request.query
      if (cursor !== undefined && !isId(cursor)) throw invalid('cursor', 'it is not from an answer of ours.')
      const { list, total } = await readHistory(gateway, {
        owner: request.caller.owner,
        page,
        pageSize,
        before: cursor,
      })
      const last = list.length === pageSize ? list.at(-1) : undefined
      return success({
        list: toList(surface, request, list),
        total,
        page,
        pageSize,
        ...(last ? { nextCursor: last.task.id } : {}),
      })
    },
  )

  app.get<{ Querystring: SearchQuery }>(
    '/history/search',
    {
      schema: { ...page, summary: 'Your tasks with all of some words, best first', querystring: SearchQuery },
    },
    async (request) => {
      const { page = 1, pageSize = PAGE_SIZE } = request.query
      const keyword = request.query.keyword?.trim() ?? ''
      if (keyword === '') throw new AppError('missing_keyword')
      const { owner } = request.caller
      const { list, total } = await searchHistory(gateway, { owner, keyword, page, pageSize })
      return success({ list: toList(surface, request, list), total, page, pageSize, keyword })
    },
  )

  app.get(
    '/history/:id',
    {
      schema: {
        tags: ['History'],
        summary: 'One task',
        params: Params,
        response: { 200: envelope(BatchTask), ...errors },
      },
    },
    async (request) => {
      const { id } = request.params as { id: string }
      const found = isId(id) ? await loadWithImages(gateway, request.caller.owner, id) : undefined
      if (found === undefined) throw new AppError('record_not_found')
      return success(toBatchTask(found, readerOf(surface, request)))
    },
  )

  app.delete<{ Body: { ids: string[] } }>(
    '/history/batch',
    { schema: { ...gone, summary: 'Delete tasks with their pictures', body: Ids } },
    async (request) => {
      await deleteTasks(gateway, request.caller.owner, request.body.ids.filter(isId))
      return success(null)
    },
  )

  app.delete(
    '/history/:id',
    { schema: { ...gone, summary: 'Delete a task with its pictures', params: Params } },
    async (request) => {
      const { id } = request.params as { id: string }
      const deleted = isId(id) ? await deleteTasks(gateway, request.caller.owner, [id]) : 0
      if (deleted === 0) throw new AppError('record_not_found')
      return success(null)
    },
  )
}

function toList(surface: Surface, request: FastifyRequest, list: readonly Finished[]): BatchTask[] {
  const reader = readerOf(surface, request)
  return list.map((finished) => toBatchTask(finished, reader))
}

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
