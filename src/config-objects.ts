import type { Values } from './config-variables.ts'

/** A bucket for pictures. */
export interface ObjectsConfig {
  /** Undefined for AWS itself. */
  readonly endpoint: string | undefined
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Empty, or with a slash at its end. */
  readonly prefix: string
  readonly pathStyle: boolean
}

/** What of a bucket is missing or said twice, in words. */
export function objectProblems(values: Values): string[] {
  const s3 = given(values, S3)
  const r2 = given(values, R2)
  if (s3.length > 0 && r2.length > 0) {
    return [`${r2[0]}: cannot be used together with ${s3[0]}; expected either the S3_ or the R2_ variables`]
  }
  const asked = s3.length > 0 ? S3_NEEDED : r2.length > 0 ? R2 : []
  const missing = asked
    .filter(([key]) => values[key] === undefined)
    .map(([, name]) => `${name}: is missing; expected together with ${s3[0] ?? r2[0]}`)
  const isAws = s3.length > 0 && values.s3Endpoint === undefined
  if (isAws && values.s3Region === 'auto')
    missing.push('S3_ENDPOINT: is missing; expected, or the S3_REGION of a bucket at AWS')
  return missing
}

/** The bucket that is configured; the values have no problems. */
export function objectsConfig(values: Values): ObjectsConfig | undefined {
  const { r2AccountId, r2Bucket, r2AccessKeyId, r2SecretAccessKey } = values
  const isR2 = r2Bucket !== undefined
  const bucket = r2Bucket ?? values.s3Bucket
  const accessKeyId = r2AccessKeyId ?? values.s3AccessKeyId
  const secretAccessKey = r2SecretAccessKey ?? values.s3SecretAccessKey
  if (bucket === undefined || accessKeyId === undefined || secretAccessKey === undefined) return undefined
  const endpoint = isR2 ? `https://${r2AccountId}.r2.cloudflarestorage.com` : values.s3Endpoint
  return {
    endpoint,
    bucket,
    region: isR2 ? 'auto' : values.s3Region,
    accessKeyId,
    secretAccessKey,
    prefix: values.s3Prefix ?? '',
    pathStyle: values.s3PathStyle ?? endpoint !== undefined,
  }
}

type Named = readonly (readonly [keyof Values, string])[]

const S3_NEEDED: Named = [
  ['s3Bucket', 'S3_BUCKET'],
  ['s3AccessKeyId', 'S3_ACCESS_KEY_ID'],
  ['s3SecretAccessKey', 'S3_SECRET_ACCESS_KEY'],
]
const S3: Named = [...S3_NEEDED, ['s3Endpoint', 'S3_ENDPOINT']]
const R2: Named = [
  ['r2Bucket', 'R2_BUCKET'],
  ['r2AccountId', 'R2_ACCOUNT_ID'],
  ['r2AccessKeyId', 'R2_ACCESS_KEY_ID'],
  ['r2SecretAccessKey', 'R2_SECRET_ACCESS_KEY'],
]

const given = (values: Values, names: Named): string[] =>
  names.filter(([key]) => values[key] !== undefined).map(([, name]) => name)
