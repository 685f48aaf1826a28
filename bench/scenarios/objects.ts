import { createReadStream } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { evict } from '../../src/library/objects/evict.ts'
import { uploadDue } from '../../src/library/objects/uploader.ts'
import { startPictor, startUpstream } from '../contenders.ts'
import { get, median } from '../measure.ts'
import { type FilledLibrary, openFilledLibrary } from '../object-library.ts'
import { memoryOf, type S3Address, startS3 } from '../object-server.ts'
import { temporaryFolder } from '../processes.ts'
import { type Row, verdict } from '../report.ts'
import { makePicture } from './images.ts'

const MB = 1_000_000
const never = new AbortController().signal

/** Uploads beside the official client, their memory, a pass over a large cache, and serving meanwhile. */
export async function objects(rounds: number): Promise<Row[]> {
  await using s3 = await startS3()
  return [
    await throughput(s3, rounds),
    await largeObjects(s3),
    ...(await cachePass()),
    await serving(s3, rounds),
  ]
}

const PICTURES = 150

async function throughput(s3: S3Address, rounds: number): Promise<Row> {
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    await using folder = await temporaryFolder()
    await using filled = await openFilledLibrary(folder.path, s3, { count: PICTURES, bytes: 1.8 * MB })
    const rate = async (work: () => Promise<unknown>) => {
      const began = performance.now()
      await work()
      return (PICTURES * 1.8) / ((performance.now() - began) / 1000)
    }
    theirs.push(await rate(() => official(s3, filled)))
    ours.push(await rate(() => uploadDue(filled.objects, never)))
  }
  return {
    scenario: `upload of ${PICTURES} × 1.8 MB, 4 at a time, with rows and checks`,
    pictor: `${median(ours).toFixed(0)} MB/s`,
    comparedWith: `official client, same server: ${median(theirs).toFixed(0)} MB/s`,
    ...verdict(
      ours.map((one, index) => one / (theirs[index] ?? Number.NaN)),
      '≥',
      0.6,
    ),
  }
}

async function official(s3: S3Address, { paths }: FilledLibrary): Promise<void> {
  const credentials = { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey }
  const client = new S3Client({
    ...{ region: 'auto', endpoint: s3.endpoint, forcePathStyle: true, credentials },
    // This server does not know the SDK's newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  const waiting = [...paths]
  const work = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const Body = createReadStream(path)
      const ContentLength = 1.8 * MB
      await client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: path.slice(1), Body, ContentLength }))
    }
  }
  await Promise.all([1, 2, 3, 4].map(work))
  client.destroy()
}

const MOST_GROWTH = 150

async function largeObjects(s3: S3Address): Promise<Row> {
  await using folder = await temporaryFolder()
  await using filled = await openFilledLibrary(folder.path, s3, { count: 8, bytes: 100 * MB })
  const before = memoryOf()
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOf())
  }, 20)
  const { uploaded } = await uploadDue(filled.objects, never)
  for (const key of filled.keys)
    for await (const _ of (await filled.objects.remote.download(key))?.body ?? []) _
  clearInterval(watch)
  const growth = peak - before
  return {
    scenario: `upload and download of ${uploaded} × 100 MB: growth of RSS`,
    pictor: `${growth.toFixed(0)} MB, 4 at a time in parts of 16 MiB`,
    comparedWith: '',
    result: `**${growth.toFixed(0)} MB**`,
    target: `≤ ${MOST_GROWTH} MB`,
    reached: growth <= MOST_GROWTH,
  }
}

const CACHED = 100_000

async function cachePass(): Promise<Row[]> {
  await using folder = await temporaryFolder()
  await using filled = await openFilledLibrary(folder.path, undefined, {
    count: CACHED,
    bytes: 100,
    uploaded: true,
  })
  const delay = monitorEventLoopDelay({ resolution: 5 })
  await sleep(100)
  delay.enable()
  const began = performance.now()
  const { files } = await evict(filled.library, { bytes: CACHED * 100 - 1 }, never)
  const seconds = (performance.now() - began) / 1000
  const again = performance.now()
  await evict(filled.library, { bytes: CACHED * 100 }, never)
  const idle = performance.now() - again
  delay.disable()
  const longest = delay.max / 1e6
  return [
    {
      scenario: `size limit over ${CACHED} cached pictures: one pass that removes ${files}`,
      pictor: `${seconds.toFixed(2)} s; a pass with nothing to do ${idle.toFixed(0)} ms`,
      comparedWith: '',
      result: `**${seconds.toFixed(2)} s**`,
      target: '≤ 2 s',
      reached: seconds <= 2,
    },
    {
      scenario: '… and longest event loop delay meanwhile',
      pictor: `${longest.toFixed(0)} ms`,
      comparedWith: '',
      result: `**${longest.toFixed(0)} ms**`,
      target: '≤ 50 ms',
      reached: longest <= 50,
    },
  ]
}

/** A backlog that lasts longer than the measurement at the default pace. */
const BACKLOG = 150

async function serving(s3: S3Address, rounds: number): Promise<Row> {
  await using upstream = await startUpstream(1.79 * MB)
  const [quiet, busy]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    for (const isBusy of [false, true]) {
      await using folder = await temporaryFolder()
      {
        await using _ = await openFilledLibrary(folder.path, s3, {
          count: BACKLOG,
          bytes: 1.8 * MB,
          old: isBusy,
        })
      }
      await using pictor = await startPictor(
        upstream.url,
        folder.path,
        [],
        isBusy ? s3.env(`r${round}/`) : {},
      )
      const path = await makePicture(pictor)
      await get(`${pictor.url}${path}`, 16, 1)
      const { rate } = await get(`${pictor.url}${path}`, 16, 4)
      ;(isBusy ? busy : quiet).push(rate)
    }
  }
  return {
    scenario:
      '`GET /images/{id}`, 1.79 MB, while a backlog is uploaded at the default pace and the cache is cleared',
    pictor: `${median(busy).toFixed(0)}/s`,
    comparedWith: `itself without them: ${median(quiet).toFixed(0)}/s`,
    ...verdict(
      busy.map((one, index) => one / (quiet[index] ?? Number.NaN)),
      '≥',
      0.95,
    ),
  }
}
