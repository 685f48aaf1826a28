import { join } from 'node:path'

import { type Running, script, start } from './processes.ts'

/** The key that Pictor is started with. */
export const API_KEY = 'bench'

/** What stands between the load generator and the upstream. All take the same requests. */
export const CONTENDERS = ['floor', 'pictor', 'floor-streaming', 'floor-synced'] as const
export type Contender = (typeof CONTENDERS)[number]

const FLOORS = {
  floor: ['floor.ts'],
  'floor-streaming': ['floor-streaming.ts'],
  'floor-synced': ['floor.ts', 'synced'],
} as const

/** @param bytes of each picture @param seconds over which a reply is spread */
export function startUpstream(bytes: number, seconds = 0): Promise<Running> {
  return start('load', script('upstream.ts', bytes, seconds))
}

/** @param folder where it keeps its pictures */
export function startContender(name: Contender, upstream: string, folder: string): Promise<Running> {
  if (name === 'pictor') return startPictor(upstream, folder)
  const [file, ...more] = FLOORS[name]
  return start('server', script(file, upstream, folder, ...more))
}

/** The contender of the chats, which are read and kept by nobody. */
export function startPipe(upstream: string): Promise<Running> {
  return start('server', script('pipe.ts', upstream))
}

/** Pictor as `npm start` would run it. @param nodeArguments in front of its main file @param env beside the usual */
export function startPictor(
  upstream: string,
  folder: string,
  nodeArguments: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Running> {
  const command = [process.execPath, ...process.execArgv, ...nodeArguments]
  return start('server', [...command, join('src', 'main.ts')], {
    PORT: '0',
    DATA_DIR: folder,
    OPENAI_BASE_URL: `${upstream}/v1`,
    OPENAI_API_KEY: 'upstream',
    API_KEY,
    LOG_LEVEL: 'warn',
    NODE_COMPILE_CACHE: join('node_modules', '.cache', 'node'),
    ...env,
  })
}
