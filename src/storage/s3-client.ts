import type { S3Client } from '@aws-sdk/client-s3'

export interface S3Options {
  /** Without a trailing slash; undefined for AWS itself. */
  endpoint: string | undefined
  bucket: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  /** Stands before every key; empty, or ends with a slash. */
  prefix: string
  /** Whether the bucket stands in the path of the address instead of its host name. */
  pathStyle: boolean
}

/** The SDK and a client of it. */
export interface ConnectedS3 {
  sdk: typeof import('@aws-sdk/client-s3')
  client: S3Client
  bucket: string
}

/** A function that gives the client, which is made with the first call: the SDK is large, and most servers keep no objects. */
export function connectS3(options: S3Options): () => Promise<ConnectedS3> {
  let connected: Promise<ConnectedS3> | undefined
  return () => {
    connected ??= connect(options)
    return connected
  }
}

export async function closeS3(s3: () => Promise<ConnectedS3>): Promise<void> {
  const { client } = await s3()
  client.destroy()
}

/** A failure of the storage in a few plain words, without addresses and secrets. */
export function reasonOf(error: unknown): string {
  const { name, message, code, $metadata } = (error ?? {}) as Failure
  const status = $metadata?.httpStatusCode
  const what = code ?? (name === 'Error' || name === undefined ? undefined : name)
  const words = [status, what].filter(Boolean).join(' ')
  const detail = String(message ?? error)
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
  return (words && code === undefined ? `${words}: ${detail}` : words || detail).slice(0, MOST_REASON)
}

const MOST_REASON = 300

interface Failure {
  name?: string
  message?: string
  /** Node's own code, such as ECONNREFUSED; its message holds the address. */
  code?: string
  $metadata?: { httpStatusCode?: number }
}

/** Time to connect, and longest silence of a connection, in ms. */
const CONNECT = 5_000
const SILENCE = 30_000

const MOST_SOCKETS = 64

async function connect(options: S3Options): Promise<ConnectedS3> {
  const sdk = await import('@aws-sdk/client-s3')
  const { accessKeyId, secretAccessKey, region, endpoint, bucket } = options
  const client = new sdk.S3Client({
    region,
    forcePathStyle: options.pathStyle,
    credentials: { accessKeyId, secretAccessKey },
    ...(endpoint !== undefined && { endpoint }),
    // Checksums of the SDK's own kinds are not understood everywhere, and everything is checked by MD5 and SHA-256.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // It warns on stderr of what it throws anyway.
    logger: { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore },
    requestHandler: {
      connectionTimeout: CONNECT,
      socketTimeout: SILENCE,
      httpAgent: { keepAlive: true, maxSockets: MOST_SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: MOST_SOCKETS },
    },
  })
  return { sdk, client, bucket }
}

const ignore = () => {}
