import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Done, DoneWith } from '../../../contract/admin.ts'
import {
  AccountList,
  type AccountRecord,
  AddAccounts,
  RemoveAccounts,
} from '../../../contract/admin-accounts.ts'
import { BatchError } from '../../../contract/batch.ts'
import { AppError } from '../../base/error.ts'
import { languageOf } from '../language.ts'
import { ADMIN_TEXTS } from './texts.ts'

/** What the admin can do with the accounts of the upstreams. No secret comes back out. */
export interface AccountsAdmin {
  list(): Promise<readonly AccountRecord[]>
  add(accounts: AddAccounts): Promise<{ added: number; duplicates: number }>
  /** @returns how many were there */
  remove(accounts: RemoveAccounts): Promise<number>
  /** Reads the file of tokens again. @returns how many it holds */
  reload(): Promise<number>
  /** Lets the day begin anew for all of them. */
  resetUsage(): Promise<void>
}

/** `/admin/sso/{list,add,remove,reload,reset-usage}`. */
export function accountRoutes(app: FastifyInstance, accounts: AccountsAdmin): void {
  const schema = { tags: ['Admin'] }
  const errors = { '4xx': BatchError }

  app.get(
    '/admin/sso/list',
    {
      schema: { ...schema, summary: 'The accounts, masked', response: { 200: AccountList, ...errors } },
    },
    async () => {
      const keys = [...(await accounts.list())]
      return { success: true as const, count: keys.length, keys }
    },
  )

  app.post<{ Body: AddAccounts }>(
    '/admin/sso/add',
    {
      schema: {
        ...schema,
        summary: 'Add accounts; those that are there already stay as they are',
        body: AddAccounts,
        response: {
          200: DoneWith(Type.Object({ added: Type.Integer(), duplicates: Type.Integer() })),
          ...errors,
        },
      },
    },
    async (request) => {
      const tokens = request.body.tokens.map((token) => token.trim())
      if (tokens.includes('')) throw invalid('tokens', 'one of them is empty.')
      const data = await accounts.add({ ...request.body, tokens })
      return done(request, (texts) => texts.accountsAdded(data.added, data.duplicates), data)
    },
  )

  app.post<{ Body: RemoveAccounts }>(
    '/admin/sso/remove',
    {
      schema: {
        ...schema,
        summary: 'Remove accounts by id or by token',
        body: RemoveAccounts,
        response: { 200: DoneWith(Type.Object({ removed: Type.Integer() })), ...errors },
      },
    },
    async (request) => {
      const { ids = [], tokens = [] } = request.body
      if (ids.length + tokens.length === 0) throw invalid('ids', 'name at least one id or token.')
      const removed = await accounts.remove({ ids, tokens })
      return done(request, (texts) => texts.accountsRemoved(removed), { removed })
    },
  )

  app.post(
    '/admin/sso/reload',
    {
      schema: {
        ...schema,
        summary: 'Read the file of tokens again',
        response: {
          200: Type.Object({ success: Type.Literal(true), count: Type.Integer() }),
          ...errors,
        },
      },
    },
    async () => ({ success: true as const, count: await accounts.reload() }),
  )

  app.post(
    '/admin/sso/reset-usage',
    { schema: { ...schema, summary: 'Begin the day anew', response: { 200: Done, ...errors } } },
    async (request) => {
      await accounts.resetUsage()
      return done(request, (texts) => texts.usageReset, undefined)
    },
  )
}

type Texts = (typeof ADMIN_TEXTS)['zh']

const done = <Data>(request: FastifyRequest, message: (texts: Texts) => string, data: Data) => ({
  success: true as const,
  message: message(ADMIN_TEXTS[languageOf(request)]),
  data,
})

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
