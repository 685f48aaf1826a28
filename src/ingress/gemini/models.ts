import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { GeminiError, GeminiModel, GeminiModelList } from '../../../contract/gemini.ts'
import { MAX_PROMPT_LENGTH } from '../../../contract/job.ts'
import type { Caller } from '../../access/keys.ts'
import { AppError } from '../../base/error.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { publicModels } from '../public-models.ts'
import { modelOf, modelPaths } from './model-path.ts'

/** Most models of a page; also what a page holds where the client does not say. */
const LARGEST_PAGE = 1000

const Query = Type.Object({
  pageSize: Type.Optional(Type.Integer({ minimum: 0, description: 'At most 1000, which is the default.' })),
  pageToken: Type.Optional(Type.String({ description: '`nextPageToken` of the page before.' })),
})

/** `GET /v1beta/models` and `/v1beta/models/{model}`. */
export function geminiModelRoutes(app: FastifyInstance, gateway: Gateway): void {
  const common = { tags: ['Gemini'] }
  app.get(
    '/models',
    {
      schema: {
        ...common,
        summary: 'What can be asked to draw, in Google’s form',
        querystring: Query,
        response: { 200: GeminiModelList, '4xx': GeminiError },
      },
    },
    async ({ query, caller }) => pageOf(gateway, caller, query as { pageSize?: number; pageToken?: string }),
  )
  for (const { path, hide } of modelPaths()) {
    const schema = {
      ...common,
      summary: 'One model, in Google’s form',
      hide,
      response: { 200: GeminiModel, '4xx': GeminiError },
    }
    app.get(path, { schema }, async (request) => {
      const model = modelOf(request)
      const found = publicModels(gateway, request.caller).some(({ id }) => id === model)
      if (!found) throw new AppError('model_not_found', { param: 'model', values: { model } })
      return toModel(gateway, model)
    })
  }
}

/** Whether anybody who serves the model makes it draw. */
export function draws({ settings, providers }: Gateway, model: string): boolean {
  const asked = model === settings.alias ? providers.preferred() : model
  return providers.serving(asked).some((provider) => provider.capabilities(asked).draws)
}

function pageOf(
  gateway: Gateway,
  caller: Caller,
  { pageSize, pageToken }: { pageSize?: number; pageToken?: string },
) {
  const ids = publicModels(gateway, caller).map(({ id }) => id)
  const start = pageToken === undefined ? 0 : ids.findIndex((id) => tokenOf(id) === pageToken)
  if (start === -1) {
    const detail = 'it is not the nextPageToken of a page.'
    throw new AppError('invalid_value', { param: 'pageToken', values: { detail } })
  }
  const end = start + Math.min(pageSize || LARGEST_PAGE, LARGEST_PAGE)
  const next = ids[end]
  return {
    models: ids.slice(start, end).map((id) => toModel(gateway, id)),
    ...(next === undefined ? {} : { nextPageToken: tokenOf(next) }),
  }
}

/** A page begins with the model that its token names. */
const tokenOf = (id: string): string => Buffer.from(id).toString('base64url')

const toModel = (gateway: Gateway, id: string) => ({
  name: `models/${id}`,
  baseModelId: id,
  version: '1',
  displayName: id,
  // Prompts are limited by their letters; a token has at least one.
  inputTokenLimit: MAX_PROMPT_LENGTH,
  supportedGenerationMethods: draws(gateway, id)
    ? ['generateContent', 'streamGenerateContent', 'predict']
    : [],
})
