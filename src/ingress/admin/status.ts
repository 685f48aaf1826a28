import type { FastifyInstance } from 'fastify'
import { AdminStatus, StorageStats } from '../../../contract/admin-status.ts'
import { BatchError } from '../../../contract/batch.ts'
import { readCounter } from '../../db/counter.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { accountsStatus } from '../../gateway/manage-accounts.ts'
import { GENERATE_QUEUE } from '../../gateway/run.ts'
import { storageStats } from '../../gateway/storage-stats.ts'
import type { AdminParts } from './admin-parts.ts'

/** `GET /admin/status` and `GET /api/v1/admin/stats`. */
export function statusRoute(app: FastifyInstance, parts: AdminParts): void {
  const { gateway } = parts
  const errors = { '4xx': BatchError }

  app.get(
    '/admin/status',
    {
      schema: {
        tags: ['Admin'],
        summary: 'How the server stands',
        response: { 200: AdminStatus, ...errors },
      },
    },
    () => readStatus(parts),
  )

  app.get(
    '/api/v1/admin/stats',
    {
      schema: {
        tags: ['Admin'],
        summary: 'How many pictures there are, and what they take',
        response: { 200: StorageStats, ...errors },
      },
    },
    () => readStats(gateway),
  )
}

async function readStatus({ gateway, version, startedAt, mode }: AdminParts): Promise<AdminStatus> {
  const { providers, queue, library, settings, clock } = gateway
  const { [GENERATE_QUEUE]: depth = { waiting: 0, running: 0, failed: 0 } } = await queue.depth()
  const { total_images, total_size_bytes, disk_usage_bytes } = await readStats(gateway)
  const accounts = await accountsStatus(gateway)
  return {
    service: 'pictor',
    version,
    uptime: Math.max(0, Math.floor((clock.now() - startedAt) / 1000)),
    mode: mode(),
    providers: providers.all.map((provider) => ({
      name: provider.name,
      in_use: providers.inUse.includes(provider),
      models: provider.models().length,
      keys: accounts.keys.filter((account) => account.provider === provider.name).length,
    })),
    accounts,
    queue: { ...depth, workers: settings.workers, limit: settings.queueLimit },
    storage: {
      type: 'local',
      total_images,
      total_size_bytes,
      disk_usage_bytes,
      free_bytes: (await library.originals.free().catch(() => undefined)) ?? null,
    },
  }
}

/** Kept counts, so they cost the same for a million pictures; what lies where is counted where there is object storage. */
async function readStats(gateway: Gateway): Promise<StorageStats> {
  const { query } = gateway.database
  const total = await readCounter(query, { name: 'images' })
  const kept = {
    total_images: total,
    local_images: total,
    remote_images: 0,
    pending_uploads: 0,
    failed_uploads: 0,
    total_size_bytes: await readCounter(query, { name: 'image_bytes' }),
    disk_usage_bytes: await readCounter(query, { name: 'blob_bytes' }),
  }
  if (gateway.library.objects === undefined) return kept
  return { ...(await storageStats(gateway)), total_images: total, total_size_bytes: kept.total_size_bytes }
}
