import type { Jobs } from './admin/jobs.ts'
import type { Gateway } from './gateway/gateway.ts'
import { measureUsage, type Usage } from './library/objects/usage.ts'
import { LOW_ROOM } from './library/room.ts'

/** How long a count is good for, in ms: it reads the whole table of blobs. */
const COUNT_EVERY = 60_000

/** Figures of disk, object storage and scheduled jobs. */
export function watchStorage(gateway: Gateway, jobs: Jobs): void {
  const { metrics, room, database, clock } = gateway
  const { objects } = gateway.library
  let known: { at: number; usage: Promise<Usage> } | undefined
  const usage = () => {
    const now = clock.now()
    if (known === undefined || now - known.at >= COUNT_EVERY)
      known = { at: now, usage: measureUsage(database) }
    return known.usage
  }

  metrics.gauge('pictor_disk_free_bytes', 'Free bytes of the disk that keeps the pictures', [], async () =>
    one(await room.free()),
  )
  metrics.gauge('pictor_disk_low', '1 when the disk is nearly full', [], async () =>
    one(((await room.free()) ?? LOW_ROOM) < LOW_ROOM ? 1 : 0),
  )
  metrics.gauge('pictor_local_cache_bytes', 'Bytes of the pictures on the local disk', [], async () =>
    one((await usage()).localBytes),
  )
  metrics.gauge('pictor_job_last_success', 'Whether the last run of a job ended well', ['job'], async () =>
    jobs
      .status()
      .map(({ name, last_error }) => ({ labels: { job: name }, value: last_error === null ? 1 : 0 })),
  )
  metrics.gauge('pictor_job_runs', 'Runs of a scheduled job since the start', ['job'], async () =>
    jobs.status().map(({ name, runs }) => ({ labels: { job: name }, value: runs })),
  )
  if (objects === undefined) return
  metrics.gauge('pictor_uploads', 'Pictures by how far their upload is', ['state'], async () => {
    const { pending, failed, remote } = await usage()
    return [
      label('state', 'pending', pending),
      label('state', 'failed', failed),
      label('state', 'uploaded', remote),
    ]
  })
  metrics.gauge(
    'pictor_object_failures',
    'Failures of the object storage since the start',
    ['kind'],
    async () => Object.entries(objects.failures).map(([kind, count]) => label('kind', kind, count)),
  )
}

const one = (value: number | undefined) => (value === undefined ? [] : [{ labels: {}, value }])
const label = (name: string, text: string, value: number) => ({ labels: { [name]: text }, value })
