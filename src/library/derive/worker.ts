import sharp from 'sharp'
import { enlargePicture } from './enlarge.ts'
import { makeDerivatives } from './make-derivatives.ts'
import type { WorkerReply, WorkerRequest } from './worker-message.ts'

/** Entry of the child process that `derive-pool.ts` starts: one request at a time, over the IPC channel. */
sharp.concurrency(1)
sharp.cache({ memory: 16, files: 0, items: 0 })

process.on('message', (request: WorkerRequest) => {
  void answer(request).then((reply) => process.send?.(reply))
})
// Terminals and service managers signal the whole group; when to end is the parent's decision.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
// The parent is gone or wants no more.
process.on('disconnect', () => process.exit())

async function answer(request: WorkerRequest): Promise<WorkerReply> {
  try {
    return await perform(request)
  } catch (error) {
    return { type: 'failed', ...describe(error) }
  }
}

async function perform(request: WorkerRequest): Promise<WorkerReply> {
  if (request.type === 'enlarge') {
    await enlargePicture(request)
    return { type: 'enlarged' }
  }
  const { source, targets, suffix } = request
  const derivatives = await makeDerivatives({ source, target: (size) => targets[size] }, suffix)
  return { type: 'derived', derivatives }
}

function describe(error: unknown): { message: string; code?: string } {
  if (!(error instanceof Error)) return { message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  return { message: error.message, ...code }
}
