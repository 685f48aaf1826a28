import type { FastifyInstance } from 'fastify'
import { DoneWith } from '../../../contract/admin.ts'
import { BatchError } from '../../../contract/batch.ts'
import { SettingsChange, SettingsReply } from '../../../contract/settings.ts'
import { languageOf } from '../language.ts'
import type { AdminParts } from './admin-parts.ts'
import { ADMIN_TEXTS } from './texts.ts'

/** `GET` and `POST /api/v1/admin/settings`. */
export function settingsRoutes(app: FastifyInstance, { settings, gateway }: AdminParts): void {
  const path = '/api/v1/admin/settings'
  const read = (): SettingsReply => ({
    settings: settings.current(),
    locked: settings.locked(),
    providers: gateway.providers.all.map(({ name }) => name),
  })

  app.get(
    path,
    {
      schema: {
        tags: ['Admin'],
        summary: 'The settings, and which of them the environment locks',
        response: { 200: SettingsReply, '4xx': BatchError },
      },
    },
    async () => read(),
  )

  app.post<{ Body: SettingsChange }>(
    path,
    {
      schema: {
        tags: ['Admin'],
        summary: 'Change some settings, at once and for good',
        body: SettingsChange,
        response: { 200: DoneWith(SettingsReply), '4xx': BatchError },
      },
    },
    async (request) => {
      await settings.change(request.body)
      return { success: true, message: ADMIN_TEXTS[languageOf(request)].settingsSaved, data: read() }
    },
  )
}
