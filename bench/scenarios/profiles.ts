import { startPictor, startUpstream } from '../contenders.ts'
import { chat, generation, get, load, post } from '../measure.ts'
import { type Running, temporaryFolder } from '../processes.ts'
import { readSelfTimes } from '../profile.ts'
import { grokGeneration, startGrokUpstream, startWithGrok } from './grok.ts'
import { makePicture } from './images.ts'

const SECONDS = 8
const SHOWN = 25

/** What Pictor's main thread does while it is under a load: the functions with the most self time, as text. */
export async function profileGenerations(format: 'url' | 'b64_json'): Promise<string> {
  return profile(`generations, ${format}`, 1_500_000, async ({ url }) => {
    await load({ ...generation(url, format), connections: 32, duration: SECONDS })
  })
}

export async function profileImages(variant: '' | '/thumbnail'): Promise<string> {
  return profile(`GET /images/{id}${variant}`, 1_790_000, async (pictor) => {
    await get(`${pictor.url}${await makePicture(pictor)}${variant}`, 16, SECONDS)
  })
}

export async function profileChat(stream: boolean): Promise<string> {
  return profile(`chat, ${stream ? 'stream of 200 deltas' : '380-byte reply'}`, 10_000, async ({ url }) => {
    await post(chat(url, { stream }), 32, SECONDS)
  })
}

export async function profileGrok(): Promise<string> {
  await using upstream = await startGrokUpstream()
  return await profileOf(
    'Grok, 268 KB',
    (folder, nodeArguments) => startWithGrok(upstream, folder, nodeArguments),
    async ({ url }) => {
      await load({ ...grokGeneration(url), connections: 16, duration: SECONDS })
    },
  )
}

async function profile(
  title: string,
  bytes: number,
  work: (pictor: Running) => Promise<void>,
): Promise<string> {
  await using upstream = await startUpstream(bytes)
  return await profileOf(
    title,
    (folder, nodeArguments) => startPictor(upstream.url, folder, nodeArguments),
    work,
  )
}

async function profileOf(
  title: string,
  start: (folder: string, nodeArguments: readonly string[]) => Promise<Running>,
  work: (pictor: Running) => Promise<void>,
): Promise<string> {
  await using folder = await temporaryFolder()
  await using profiles = await temporaryFolder()
  {
    await using pictor = await start(folder.path, ['--cpu-prof', `--cpu-prof-dir=${profiles.path}`])
    await work(pictor)
  }
  const { idle, top } = await readSelfTimes(profiles.path)
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`.padStart(7)
  const lines = top.slice(0, SHOWN).map(({ share, name, place }) => `${percent(share)}  ${name}  ${place}`)
  return [`${title}: ${percent(idle).trim()} idle (start included); of the rest`, ...lines, ''].join('\n')
}
