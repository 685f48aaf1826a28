import { setTimeout as sleep } from 'node:timers/promises'
import { run, temporaryFolder } from './processes.ts'

/** A private S3 server on the core of the load. */
export interface S3Address extends AsyncDisposable {
  endpoint: string
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  /** The environment of a Pictor that keeps objects there. */
  env(prefix: string): Record<string, string>
}

const PORT = 20_871

export async function startS3(): Promise<S3Address> {
  const folder = await temporaryFolder()
  const child = run('load', [process.execPath, 'scripts/s3-server.mjs', folder.path, String(PORT)], {})
  const endpoint = `http://127.0.0.1:${PORT}`
  for (let attempt = 0; attempt < 200 && !(await answers(endpoint)); attempt += 1) await sleep(50)
  const [bucket, accessKeyId, secretAccessKey] = ['pictor', 'S3RVER', 'S3RVER']
  return {
    endpoint,
    bucket,
    accessKeyId,
    secretAccessKey,
    env: (prefix) => ({
      S3_ENDPOINT: endpoint,
      S3_BUCKET: bucket,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
      S3_PREFIX: prefix,
      MAX_LOCAL_CACHE_MB: '100',
    }),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Resident memory of this process, in MB. */
export const memoryOf = (): number => process.memoryUsage.rss() / 1e6

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  )
