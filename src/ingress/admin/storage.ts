import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Jobs } from '../../admin/jobs.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { createStorageAdmin } from '../../gateway/storage-admin.ts'
import { type Language, languageOf } from '../language.ts'

const Done = Type.Object({ success: Type.Boolean(), message: Type.String() })
const Force = Type.Object({ force: Type.Optional(Type.Boolean()) })

/** Routes of the admin about where pictures are kept and what comes round; the caller guards them. */
export function storageRoutes(
  app: FastifyInstance,
  { gateway, jobs }: { gateway: Gateway; jobs: Jobs },
): void {
  const storage = createStorageAdmin(gateway, jobs)
  const post = (path: string, summary: string, answer: (texts: StorageTexts) => Promise<Answer>) =>
    app.post(
      `/api/v1/admin${path}`,
      { schema: { tags: ['Admin'], summary, response: { 200: Done } } },
      async (request) => answer(TEXTS[languageOf(request)]),
    )

  post('/settings/test-r2', 'Whether the object storage can be written and read', async (texts) => {
    const problem = await storage.test()
    return problem === undefined
      ? { success: true, message: texts.works }
      : { success: false, message: texts.fails(problem) }
  })
  post('/upload-pending', 'Upload now what waits for it', async (texts) => ({
    success: true,
    message: texts.uploaded(await storage.uploadPending()),
  }))
  post('/retry-uploads', 'Try failed uploads again', async (texts) => ({
    success: true,
    message: texts.retried(await storage.retryUploads()),
  }))
  app.post<{ Body: { force?: boolean } | null }>(
    '/api/v1/admin/clear-all-local',
    {
      schema: {
        tags: ['Admin'],
        summary: 'Remove local copies',
        body: Type.Union([Force, Type.Null()]),
        response: { 200: Done },
      },
    },
    async (request) => {
      const { files } = await storage.clearLocal({ force: request.body?.force === true })
      return { success: true, message: TEXTS[languageOf(request)].cleared(files) }
    },
  )
  app.get(
    '/api/v1/admin/jobs',
    { schema: { tags: ['Admin'], summary: 'Scheduled jobs with their last and next run' } },
    async () => ({ jobs: jobs.status() }),
  )
  app.post<{ Params: { name: string } }>(
    '/api/v1/admin/jobs/:name/run',
    {
      schema: {
        tags: ['Admin'],
        summary: 'Run a scheduled job now',
        params: Type.Object({ name: Type.String() }),
      },
    },
    async (request) => jobs.run(request.params.name),
  )
}

interface Answer {
  success: boolean
  message: string
}

interface StorageTexts {
  works: string
  fails(problem: string): string
  uploaded(result: string): string
  retried(count: number): string
  cleared(count: number): string
}

const TEXTS: Readonly<Record<Language, StorageTexts>> = {
  zh: {
    works: '对象存储连接正常',
    fails: (problem) => `对象存储不可用: ${problem}`,
    uploaded: (result) => `上传完成: ${result}`,
    retried: (count) => `已重新排队 ${count} 张图片`,
    cleared: (count) => `已清理 ${count} 个本地文件`,
  },
  en: {
    works: 'The object storage works',
    fails: (problem) => `The object storage does not work: ${problem}`,
    uploaded: (result) => `Upload: ${result}`,
    retried: (count) => `${count} pictures are tried again`,
    cleared: (count) => `${count} local copies removed`,
  },
}
