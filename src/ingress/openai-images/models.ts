import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { Model, ModelList, OpenAiError } from '../../../contract/openai-images.ts'
import { AppError } from '../../base/error.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import type { ModelInfo } from '../../providers/provider.ts'
import { publicModels } from '../public-models.ts'

/** `GET /v1/models` and `/v1/models/{id}`: the gateway's alias first, then every public model. */
export function modelRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.get(
    '/models',
    { schema: { tags: ['Models'], summary: 'What can be asked to draw', response: { 200: ModelList } } },
    async ({ caller }) => ({ object: 'list', data: publicModels(gateway, caller).map(toModel) }),
  )
  // A pattern, because upstream ids such as `vendor/model` hold slashes.
  app.get(
    '/models/:id(.+)',
    {
      schema: {
        tags: ['Models'],
        summary: 'One model',
        params: Type.Object({ id: Type.String({ description: 'Id of the model.' }) }),
        response: { 200: Model, 404: OpenAiError },
      },
    },
    async (request) => {
      const { id } = request.params as { id: string }
      const found = publicModels(gateway, request.caller).find((model) => model.id === id)
      if (found === undefined)
        throw new AppError('model_not_found', { param: 'model', values: { model: id } })
      return toModel(found)
    },
  )
}

const toModel = ({ id, created, ownedBy }: ModelInfo) => ({ id, object: 'model', created, owned_by: ownedBy })
