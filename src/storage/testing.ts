import { randomBytes } from 'node:crypto'
import type { S3Options } from './s3-client.ts'

/** The S3 server of the tests, with a prefix that nobody else uses. `through` stands in the way to it, as a proxy. */
export function testS3Options(through?: string): S3Options {
  const { TEST_S3_URL: given } = process.env
  if (given === undefined) throw new Error('TEST_S3_URL is not set; `npm test` starts an S3 server')
  const { origin, username, password, pathname } = new URL(given)
  return {
    endpoint: through ?? origin,
    bucket: pathname.slice(1),
    region: 'auto',
    accessKeyId: username,
    secretAccessKey: password,
    prefix: `${randomBytes(8).toString('hex')}/`,
    pathStyle: true,
  }
}
