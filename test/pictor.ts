import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { type App, createApp } from '../src/app.ts'
import { createLog, type Logger } from '../src/base/log.ts'
import { readConfig } from '../src/config.ts'
import type { World } from '../src/parts.ts'
import { type FakeGemini, startFakeGemini } from './upstreams/gemini.ts'
import { type FakeOpenAi, startFakeOpenAi } from './upstreams/openai.ts'

/** A running Pictor of a test's own. */
export interface TestPictor {
  url: string
  key: string
  app: App
  dataDirectory: string
  /** The official SDK, pointed at it. */
  openai: OpenAI
  /** A request with the key. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  [Symbol.asyncDispose](): Promise<void>
}

/** Pictor in front of a fake upstream. */
export interface TestGateway extends TestPictor {
  upstream: FakeOpenAi
}

/** Pictor in front of a fake of Google's API. */
export interface TestGeminiGateway extends TestPictor {
  upstream: FakeGemini
}

/** What a test may put in place of the real world. */
export interface TestWorld extends World {
  log?: Logger
}

/** Starts Pictor with a fresh data directory on a free port. `env` is its whole environment beside that. */
export async function startPictor(
  env: Record<string, string> = {},
  world: TestWorld = {},
): Promise<TestPictor> {
  const dataDirectory = env.DATA_DIR ?? (await mkdtemp(join(tmpdir(), 'pictor-')))
  const config = readConfig({ PORT: '0', LOG_LEVEL: 'fatal', ...env, DATA_DIR: dataDirectory })
  const app = await createApp(config, world.log ?? createLog(config.logLevel), world)
  const url = await app.start()
  const { secret: key } = await app.parts.keys.create({ name: 'test' })
  return {
    url,
    key,
    app,
    dataDirectory,
    openai: sdk(url, key),
    fetch: (path, init = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } }),
    [Symbol.asyncDispose]: async () => {
      await app.close()
      if (env.DATA_DIR === undefined) await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}

/** Pictor in front of a fake OpenAI upstream. */
export async function startWithUpstream(
  env: Record<string, string> = {},
  world: TestWorld = {},
): Promise<TestGateway> {
  return behind(await startFakeOpenAi({ apiKey: 'upstream-secret' }), env, world)
}

/**
 * The same with an upstream that has no list of models, so that a test may invent names: each can behave in its own
 * way, and a failing one puts only itself to rest.
 */
export async function startWithAnyModel(
  env: Record<string, string> = {},
  world: TestWorld = {},
): Promise<TestGateway> {
  const upstream = await startFakeOpenAi({ apiKey: 'upstream-secret' })
  upstream.models = undefined
  return behind(upstream, env, world)
}

/** Pictor in front of a fake Gemini upstream. */
export async function startWithGemini(
  env: Record<string, string> = {},
  world: TestWorld = {},
): Promise<TestGeminiGateway> {
  const upstream = await startFakeGemini({ apiKey: 'upstream-secret' })
  const own = { GEMINI_BASE_URL: upstream.url, GEMINI_API_KEY: 'upstream-secret' }
  return withUpstream(await startPictor({ ...own, ...env }, world), upstream)
}

async function behind(
  upstream: FakeOpenAi,
  env: Record<string, string>,
  world: TestWorld,
): Promise<TestGateway> {
  const pictor = await startPictor(
    { OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: 'upstream-secret', ...env },
    world,
  )
  return withUpstream(pictor, upstream)
}

function withUpstream<Upstream extends { close(): Promise<void> }>(
  pictor: TestPictor,
  upstream: Upstream,
): TestPictor & { upstream: Upstream } {
  return {
    ...pictor,
    upstream,
    [Symbol.asyncDispose]: async () => {
      await pictor[Symbol.asyncDispose]()
      await upstream.close()
    },
  }
}

/** The official SDK with a key, without retries of its own. */
export const sdk = (url: string, apiKey: string): OpenAI =>
  new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 })

/** A JSON request body, as `fetch` wants it. */
export const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})
