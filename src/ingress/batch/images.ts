import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { BatchError, envelope } from '../../../contract/batch.ts'
import { ExportRequest, MAX_EXPORTED, MAX_ID_LENGTH } from '../../../contract/batch-images.ts'
import { AppError } from '../../base/error.ts'
import { removeOwnImages } from '../../gateway/remove-images.ts'
import { exportZip } from '../../library/export/export-zip.ts'
import { countOwned } from '../../library/find.ts'
import { holdSpool } from '../body.ts'
import { sendFlushed } from '../send-flushed.ts'
import type { Surface } from '../surface.ts'
import { success } from './success.ts'

/** `POST /images/export` and `DELETE /images/{id}`: what is done with one's own pictures. */
export function batchImageRoutes(app: FastifyInstance, surface: Surface): void {
  app.post(
    '/images/export',
    {
      schema: {
        tags: ['History'],
        summary: 'Pictures with their recipes as a streamed ZIP archive',
        body: ExportRequest,
        response: { 200: Archive, '4xx': BatchError },
      },
      // The schema is for the reference; what is wrong is said in this surface's own words.
      validatorCompiler: () => () => true,
    },
    (request, reply) => sendArchive(surface, request, reply),
  )

  app.delete(
    '/images/:id',
    {
      schema: {
        tags: ['History'],
        summary: 'Delete a picture',
        params: Type.Object({ id: Type.String() }),
        response: { 200: envelope(Type.Null()), '4xx': BatchError },
      },
    },
    async (request) => {
      const { id } = request.params as { id: string }
      const removed = await removeOwnImages(surface.gateway, request.caller.owner, [id])
      if (removed.length === 0) throw new AppError('image_not_found')
      return success(null)
    },
  )
}

const Archive = {
  description: 'The pictures as they are, `manifest.jsonl`, and `missing.txt` where some could not be had.',
  content: { 'application/zip': { schema: Type.Unsafe<string>({ type: 'string', format: 'binary' }) } },
}

async function sendArchive(
  { gateway }: Surface,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const ids = [...new Set(idsOf(request.body))]
  const { owner } = request.caller
  const count = await countOwned(gateway.library, owner, ids)
  if (count === 0) throw new AppError('image_not_found')
  if (count < ids.length) reply.header('x-export-partial', 'true')
  reply
    .type('application/zip')
    .header('content-disposition', 'attachment; filename="images.zip"')
    .header('cache-control', 'no-store')
  await holdSpool(
    request,
    sendFlushed(reply, exportZip(gateway.library, { owner, ids, spool: request.spool })),
  )
  return reply
}

function idsOf(body: unknown): string[] {
  const { imageIds, image_ids: alias } = (body ?? {}) as Record<string, unknown>
  const ids = imageIds ?? alias
  const param = imageIds === undefined && alias !== undefined ? 'image_ids' : 'imageIds'
  const isList = Array.isArray(ids) && ids.length > 0 && ids.length <= MAX_EXPORTED
  if (!isList || !ids.every(isIdLike)) throw new AppError('invalid_arguments', { param })
  return ids
}

const isIdLike = (id: unknown): id is string =>
  typeof id === 'string' && id.length > 0 && id.length <= MAX_ID_LENGTH
