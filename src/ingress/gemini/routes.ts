import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import {
  GeminiError,
  GenerateContentReply,
  GenerateContentRequest,
  ImagesQuery,
  PredictReply,
  PredictRequest,
} from '../../../contract/gemini.ts'
import { holdSpool } from '../body.ts'
import type { Surface } from '../surface.ts'
import { generateContent, predict, streamContent } from './draw.ts'
import { modelPaths } from './model-path.ts'
import { tidyContentBody, tidyPredictBody } from './tidy.ts'

const errors = { '4xx': GeminiError, '5xx': GeminiError }
const Query = Type.Object({ images: ImagesQuery })

/** `POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` and `:predict`. */
export function geminiRoutes(app: FastifyInstance, surface: Surface): void {
  addMethod(app, surface, {
    method: 'generateContent',
    summary: 'Draw or change pictures, as Gemini does',
    body: GenerateContentRequest,
    querystring: Query,
    response: { 200: GenerateContentReply, ...errors },
    tidy: tidyContentBody,
    answer: generateContent,
  })
  addMethod(app, surface, {
    method: 'streamGenerateContent',
    summary: 'The same as a stream: server-sent events with `alt=sse`, else a JSON array',
    body: GenerateContentRequest,
    querystring: Type.Object({ images: ImagesQuery, alt: Type.Optional(Type.Enum(['sse', 'json'])) }),
    response: { 200: Type.Array(GenerateContentReply), ...errors },
    tidy: tidyContentBody,
    answer: streamContent,
  })
  addMethod(app, surface, {
    method: 'predict',
    summary: 'Draw or change pictures, as Imagen does',
    body: PredictRequest,
    querystring: Query,
    response: { 200: PredictReply, ...errors },
    tidy: tidyPredictBody,
    answer: predict,
  })
}

interface Method {
  method: string
  summary: string
  body: object
  querystring: object
  response: Record<string, object>
  /** Brings a body into the form that is checked. */
  tidy(body: unknown): unknown
  answer(surface: Surface, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>
}

function addMethod(
  app: FastifyInstance,
  surface: Surface,
  { method, tidy, answer, ...schema }: Method,
): void {
  for (const { path, hide } of modelPaths(method)) {
    app.post(
      path,
      {
        schema: { tags: ['Gemini'], hide, ...schema },
        preValidation: async (request) => {
          request.body = tidy(request.body)
        },
      },
      (request, reply) => holdSpool(request, answer(surface, request, reply)),
    )
  }
}
