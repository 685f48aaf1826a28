import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { DoneWith } from '../../../contract/admin.ts'
import {
  type AdminImage,
  AdminImagesPage,
  AdminImagesQuery,
  DeletedImages,
  DeleteImages,
  LatestImages,
  LatestQuery,
} from '../../../contract/admin-images.ts'
import { BatchError } from '../../../contract/batch.ts'
import type { StoredImage } from '../../../contract/image.ts'
import { AppError } from '../../base/error.ts'
import { isId } from '../../base/id.ts'
import { chunked } from '../../db/chunked.ts'
import { clearImages } from '../../gateway/clear-images.ts'
import { createStorageAdmin } from '../../gateway/storage-admin.ts'
import { countImages, listImages } from '../../library/list.ts'
import { languageOf } from '../language.ts'
import type { AdminParts } from './admin-parts.ts'
import { ADMIN_TEXTS } from './texts.ts'

const errors = { '4xx': BatchError }
const LATEST = 50
const PAGE_SIZE = 50

/** The pictures of everyone: `/admin/images/{list,clear}` and, under `/api/v1/admin`, `/images` and `/images/batch-delete`. */
export function adminImageRoutes(app: FastifyInstance, parts: AdminParts): void {
  const { gateway, jobs } = parts
  const storage = createStorageAdmin(gateway, jobs)

  app.get<{ Querystring: LatestQuery }>(
    '/admin/images/list',
    {
      schema: {
        tags: ['Admin'],
        summary: 'The newest pictures',
        querystring: LatestQuery,
        response: { 200: LatestImages, ...errors },
      },
    },
    async (request) => {
      const images = await listImages(gateway.library, { limit: request.query.limit ?? LATEST })
      const total = await countImages(gateway.library)
      return { images: toList(parts, request, images), count: images.length, total }
    },
  )

  app.get<{ Querystring: AdminImagesQuery }>(
    '/api/v1/admin/images',
    {
      schema: {
        tags: ['Admin'],
        summary: 'Pictures, newest first',
        querystring: AdminImagesQuery,
        response: { 200: AdminImagesPage, ...errors },
      },
    },
    (request) => readPage(parts, request, request.query),
  )

  app.post<{ Body: DeleteImages }>(
    '/api/v1/admin/images/batch-delete',
    {
      schema: {
        tags: ['Admin'],
        summary: 'Delete pictures',
        body: DeleteImages,
        response: { 200: DoneWith(DeletedImages), ...errors },
      },
    },
    async (request) => {
      const { image_ids, delete_type } = request.body
      if (delete_type === 'r2' && gateway.library.objects === undefined)
        throw new AppError('object_storage_missing', { param: 'delete_type' })
      const ids = [...new Set(image_ids)]
      // Without object storage the local copy is all that there is.
      const part =
        delete_type === 'local' && gateway.library.objects === undefined ? 'all' : (delete_type ?? 'all')
      let deleted = 0
      for (const some of chunked(ids)) deleted += await storage.remove(some, part)
      const failed = ids.length - deleted
      const message = ADMIN_TEXTS[languageOf(request)].deleted(deleted, failed)
      return { success: true, message, data: { deleted, failed, total: ids.length } }
    },
  )

  app.route({
    method: ['DELETE', 'POST'],
    url: '/admin/images/clear',
    schema: {
      tags: ['Admin'],
      summary: 'Delete every picture',
      response: { 200: DoneWith(Type.Object({ deleted: Type.Integer() })), ...errors },
    },
    handler: async (request) => {
      const deleted = await clearImages(gateway)
      const message = ADMIN_TEXTS[languageOf(request)].cleared(deleted)
      return { success: true, message, data: { deleted } }
    },
  })
}

async function readPage(
  { gateway: { library }, ...parts }: AdminParts,
  request: FastifyRequest,
  query: AdminImagesQuery,
) {
  const { page = 1, page_size = PAGE_SIZE, cursor, model, owner, start_date, end_date } = query
  if (cursor !== undefined && !isId(cursor))
    throw new AppError('invalid_value', {
      param: 'cursor',
      values: { detail: 'it is not from an answer of ours.' },
    })
  const filter = { model, owner, from: start_date, until: end_date === undefined ? undefined : end_date + 1 }
  const offset = (page - 1) * page_size
  const images = await listImages(library, { filter, limit: page_size, offset, before: cursor })
  const total = await countImages(library, filter)
  const last = images.length === page_size ? images.at(-1) : undefined
  return {
    images: toList(parts, request, images),
    total,
    page,
    page_size,
    total_pages: Math.ceil(total / page_size),
    ...(last ? { next_cursor: last.id } : {}),
  }
}

function toList(
  { publicUrl }: Pick<AdminParts, 'publicUrl'>,
  { protocol, host }: FastifyRequest,
  images: readonly StoredImage[],
): AdminImage[] {
  const baseUrl = publicUrl ?? `${protocol}://${host}`
  return images.map((image) => ({
    id: image.id,
    filename: `${image.id}.${image.mime.replace('image/', '').replace('jpeg', 'jpg')}`,
    prompt: image.prompt,
    revised_prompt: image.revisedPrompt ?? null,
    model: image.model,
    provider: image.provider,
    owner: image.owner,
    task_id: image.taskId,
    created_at: image.createdAt,
    file_size: image.bytes,
    width: image.width,
    height: image.height,
    mime_type: image.mime,
    url: `${baseUrl}/images/${image.id}`,
    thumbnail_url: `${baseUrl}/images/${image.id}/thumbnail`,
  }))
}
