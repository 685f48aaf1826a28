// `node scripts/run.mjs scripts/example-pictures.ts` paints the pictures of docs/editing.md again, with the demo painter.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../src/app.ts'
import { createLog } from '../src/base/log.ts'
import { readConfig } from '../src/config.ts'

const FOLDER = 'docs/images'
const SEED = 7
/** Pixels; two fit beside each other on a page. */
const SIZE = '480x320'

const EXAMPLES = {
  'edit-style-transfer': { mode: 'style_transfer', prompt: 'a desert at sunset, woodcut', strength: 0.8 },
  'edit-upscale': { mode: 'upscale', prompt: 'a lighthouse in the fog', size: '720x480' },
  'edit-inpainting': { mode: 'inpainting', prompt: 'a balloon in space', strength: 0.8 },
  'edit-background-replace': { mode: 'background_replace', prompt: 'a forest in autumn', strength: 0.5 },
}

const DATA_DIR = await mkdtemp(join(tmpdir(), 'pictor-examples-'))
const app = await createApp(
  readConfig({ PORT: '0', AUTH: 'off', LOG_LEVEL: 'warn', DATA_DIR }),
  createLog('warn'),
)
const url = await app.start()
try {
  const original = await paint('generations', { prompt: 'a lighthouse by the sea, watercolour', size: SIZE })
  await save('edit-original', original)
  const mask = await holeIn(original)
  for (const [name, fields] of Object.entries(EXAMPLES)) {
    const image = original.toString('base64')
    const more = fields.mode === 'inpainting' ? { mask: mask.toString('base64') } : {}
    await save(name, await paint('edit', { size: SIZE, ...fields, ...more, image }))
  }
} finally {
  await app.close()
  await rm(DATA_DIR, { recursive: true, force: true })
}

async function paint(route: string, fields: Record<string, unknown>): Promise<Buffer> {
  const asked = {
    model: 'demo',
    seed: SEED,
    output_format: 'webp',
    output_compression: 70,
    response_format: 'b64_json',
  }
  const response = await fetch(`${url}/v1/images/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...asked, ...fields }),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  const { data } = (await response.json()) as { data: { b64_json: string }[] }
  return Buffer.from(data[0]?.b64_json ?? '', 'base64')
}

/** A mask that is open in its upper right. */
async function holeIn(picture: Buffer): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  const { width = 0, height = 0 } = await sharp(picture).metadata()
  const box = `x="${width * 0.55}" y="${height * 0.08}" width="${width * 0.38}" height="${height * 0.5}"`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs><mask id="hole"><rect width="100%" height="100%" fill="white"/><rect ${box} rx="12" fill="black"/></mask></defs><rect width="100%" height="100%" fill="white" mask="url(#hole)"/></svg>`
  return sharp(Buffer.from(svg)).png().toBuffer()
}

async function save(name: string, picture: Buffer): Promise<void> {
  await writeFile(join(FOLDER, `${name}.webp`), picture)
  console.log(`${FOLDER}/${name}.webp`)
}
