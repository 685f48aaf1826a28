import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPictor, startUpstream } from '../contenders.ts'
import { generation, get, median, type RateResult } from '../measure.ts'
import { startNginx } from '../nginx.ts'
import { type Running, temporaryFolder } from '../processes.ts'
import { type Row, verdict } from '../report.ts'

const BYTES = 1_790_000
const CONNECTIONS = 16
const SECONDS = 3

/** A picture and its thumbnail from Pictor and from nginx, which serves copies of the same bytes. */
export async function images(rounds: number): Promise<Row[]> {
  await using upstream = await startUpstream(BYTES)
  await using folder = await temporaryFolder()
  await using pictor = await startPictor(upstream.url, folder.path)
  await using www = await temporaryFolder()
  const path = await makePicture(pictor)
  const files = [
    { path, copy: 'original.png', what: '`GET /images/{id}`, 1.79 MB', target: 0.5 },
    { path: `${path}/thumbnail`, copy: 'thumbnail.webp', what: '`GET /images/{id}/thumbnail`', target: 0.4 },
  ]
  for (const file of files) await copy(`${pictor.url}${file.path}`, join(www.path, file.copy))
  await using nginx = await startNginx(www.path)
  const rows: Row[] = []
  for (const file of files) {
    const ours: RateResult[] = []
    const theirs: RateResult[] = []
    await get(`${pictor.url}${file.path}`, CONNECTIONS, 1)
    for (let round = 0; round < rounds; round += 1) {
      if (nginx) theirs.push(await get(`${nginx.url}/${file.copy}`, CONNECTIONS, SECONDS))
      ours.push(await get(`${pictor.url}${file.path}`, CONNECTIONS, SECONDS))
    }
    rows.push(toRow(`${file.what}, ${CONNECTIONS} connections`, file.target, ours, theirs))
  }
  return rows
}

/** Draws a picture and has its thumbnail made; the path of the picture. */
export async function makePicture(pictor: Running): Promise<string> {
  const { url, ...request } = generation(pictor.url, 'url')
  const reply = (await (await fetch(url, request)).json()) as { data: { url: string }[] }
  const { pathname } = new URL(reply.data[0]?.url ?? '')
  await (await fetch(`${pictor.url}${pathname}/thumbnail`)).arrayBuffer()
  return pathname
}

async function copy(url: string, file: string): Promise<void> {
  await writeFile(file, await (await fetch(url)).bytes())
}

function toRow(scenario: string, target: number, ours: RateResult[], theirs: RateResult[]): Row {
  const describe = (results: readonly RateResult[]) =>
    `${median(results.map(({ rate }) => rate)).toFixed(0)}/s, p99 ${median(results.map(({ p99 }) => p99)).toFixed(1)} ms`
  if (theirs.length === 0) {
    return {
      scenario,
      pictor: describe(ours),
      comparedWith: 'nginx is not installed',
      result: '',
      target: '',
    }
  }
  const ratios = ours.map(({ rate }, index) => rate / (theirs[index]?.rate ?? Number.NaN))
  return {
    scenario,
    pictor: describe(ours),
    comparedWith: `nginx ${describe(theirs)}`,
    ...verdict(ratios, '≥', target),
  }
}
