import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { BatchError } from '../../../contract/batch.ts'
import {
  Done,
  KeyChanged,
  KeyList,
  KeyReply,
  KeyRequest,
  KeyStats,
  NewKeyRequest,
  UsageReply,
} from '../../../contract/keys.ts'
import type { ApiKey } from '../../access/key-table.ts'
import type { Keys } from '../../access/keys.ts'
import { readUsed } from '../../access/quota.ts'
import { USAGE_GROUPS, type UsageGroup } from '../../access/usage-report.ts'
import { dayIn } from '../../base/day.ts'
import { AppError } from '../../base/error.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { languageOf } from '../language.ts'
import { toChoices, toKeyReply } from './key-fields.ts'
import { KEY_TEXTS } from './texts.ts'
import { readKeyStats, readUsage } from './usage.ts'

export interface AdminKeyParts {
  gateway: Gateway
  keys: Keys
}

const errors = { '4xx': BatchError, '5xx': BatchError }
const common = { tags: ['API keys'] }
const Params = Type.Object({
  key: Type.String({ maxLength: 512, description: 'Id of the key, or the key itself.' }),
})
interface OneKey {
  Params: { key: string }
}

const ListQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100.' })),
  before: Type.Optional(Type.String({ description: '`next` of the page before.' })),
})

const Day = (description: string) =>
  Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description }))

const UsageQuery = Type.Object({
  from: Day('First day, `YYYY-MM-DD`; default 29 days before the last one.'),
  to: Day('Last day; default today.'),
  group: Type.Optional(Type.Enum([...USAGE_GROUPS])),
})

/** `/admin/api-keys`, `/admin/api-keys-stats` and `/admin/usage`; who may ask is up to the scope that they are added to. */
export function adminKeyRoutes(app: FastifyInstance, { gateway, keys }: AdminKeyParts): void {
  app.post<{ Body: NewKeyRequest }>(
    '/admin/api-keys',
    {
      schema: {
        ...common,
        summary: 'Make a key',
        body: NewKeyRequest,
        response: { 200: KeyChanged, ...errors },
      },
    },
    async (request) => {
      const { id, secret } = await keys.create({ ...toChoices(request.body), name: request.body.name })
      const created = await load(keys, id)
      return done(KEY_TEXTS[languageOf(request)].created, { ...toKeyReply(created, undefined), key: secret })
    },
  )

  app.get<{ Querystring: { limit?: number; before?: string } }>(
    '/admin/api-keys',
    {
      schema: {
        ...common,
        summary: 'All keys',
        querystring: ListQuery,
        response: { 200: KeyList, ...errors },
      },
    },
    async ({ query: { limit = 100, before } }) => {
      const page = await keys.list({ limit: limit + 1, before })
      const shown = await withUse(gateway, page.slice(0, limit))
      return { keys: shown, next: page.length > limit ? (shown.at(-1)?.id ?? null) : null }
    },
  )

  app.get<OneKey>(
    '/admin/api-keys/:key',
    { schema: { ...common, summary: 'One key', params: Params, response: { 200: KeyReply, ...errors } } },
    async ({ params }) => (await withUse(gateway, [await load(keys, params.key)]))[0],
  )

  app.put<OneKey & { Body: KeyRequest }>(
    '/admin/api-keys/:key',
    {
      schema: {
        ...common,
        summary: 'Change a key; null clears a limit',
        params: Params,
        body: KeyRequest,
        response: { 200: KeyChanged, ...errors },
      },
    },
    async (request) => {
      const changed = await keys.update(request.params.key, toChoices(request.body))
      if (changed === undefined) throw new AppError('api_key_not_found')
      const [shown] = await withUse(gateway, [changed])
      return done(KEY_TEXTS[languageOf(request)].updated, shown)
    },
  )

  app.delete<OneKey>(
    '/admin/api-keys/:key',
    {
      schema: {
        ...common,
        summary: 'Delete a key; its pictures stay',
        params: Params,
        response: { 200: Done, ...errors },
      },
    },
    async (request) => {
      if (!(await keys.remove(request.params.key))) throw new AppError('api_key_not_found')
      return done(KEY_TEXTS[languageOf(request)].deleted)
    },
  )

  app.get(
    '/admin/api-keys-stats',
    { schema: { ...common, summary: 'Keys and their use in short', response: { 200: KeyStats, ...errors } } },
    () => readKeyStats(gateway),
  )

  app.get<{ Querystring: { from?: string; to?: string; group?: UsageGroup } }>(
    '/admin/usage',
    {
      schema: {
        ...common,
        summary: 'What was used, by day, model, key or provider',
        querystring: UsageQuery,
        response: { 200: UsageReply, ...errors },
      },
    },
    ({ query }) => readUsage(gateway, query),
  )
}

async function load(keys: Keys, idOrSecret: string): Promise<ApiKey> {
  const found = await keys.find(idOrSecret)
  if (found === undefined) throw new AppError('api_key_not_found')
  return found
}

async function withUse({ database, clock, settings }: Gateway, keys: readonly ApiKey[]) {
  const ids = keys.map(({ id }) => id)
  const used = await readUsed(database.query, ids, dayIn(settings.timeZone, clock.now()))
  return keys.map((key) => toKeyReply(key, used.get(key.id)))
}

const done = <More extends object>(message: string, more?: More) => ({ success: true, message, ...more })
