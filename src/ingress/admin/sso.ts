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
import {
  addAccounts,
  listAccounts,
  reloadFile,
  removeAccounts,
  resetUsage,
  statusOf,
} from '../../gateway/manage-accounts.ts'
import type { AccountView } from '../../providers/accounts/manage.ts'
import { languageOf } from '../language.ts'
import type { AdminParts } from './admin-parts.ts'
import { ADMIN_TEXTS } from './texts.ts'

/** The upstream that takes session tokens, where a request names none. */
const SSO_PROVIDER = 'grok'

/** `/admin/sso/{list,add,remove,reload,reset-usage}`: the accounts of the upstreams. No secret comes back out. */
export function accountRoutes(app: FastifyInstance, { gateway }: Pick<AdminParts, 'gateway'>): void {
  const schema = { tags: ['Admin'] }
  const errors = { '4xx': BatchError }

  app.get(
    '/admin/sso/list',
    {
      schema: { ...schema, summary: 'The accounts, masked', response: { 200: AccountList, ...errors } },
    },
    async () => {
      const keys = (await listAccounts(gateway)).map(toRecord)
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
      const { provider = SSO_PROVIDER, daily_limit: dailyLimit, ...more } = request.body
      if (!gateway.providers.all.some(({ name }) => name === provider)) {
        const names = gateway.providers.all.map(({ name }) => name).join(', ')
        throw invalid('provider', `there is none of this name; there are ${names}.`)
      }
      const data = await addAccounts(gateway, { ...more, provider, dailyLimit })
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
      const removed = await removeAccounts(gateway, { ids, tokens })
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
    async () => ({ success: true as const, count: await reloadFile(gateway) }),
  )

  app.post(
    '/admin/sso/reset-usage',
    { schema: { ...schema, summary: 'Begin the day anew', response: { 200: Done, ...errors } } },
    async (request) => {
      await resetUsage(gateway)
      return done(request, (texts) => texts.usageReset, undefined)
    },
  )
}

const toRecord = (account: AccountView): AccountRecord => ({
  ...statusOf(account),
  weight: account.weight,
  priority: account.priority,
  daily_limit: account.dailyLimit ?? null,
  source: account.source,
})

type Texts = (typeof ADMIN_TEXTS)['zh']

const done = <Data>(request: FastifyRequest, message: (texts: Texts) => string, data: Data) => ({
  success: true as const,
  message: message(ADMIN_TEXTS[languageOf(request)]),
  data,
})

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
