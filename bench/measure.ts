import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { API_KEY } from './contenders.ts'
import type { LoadOptions, LoadResult } from './load.ts'
import { output, script } from './processes.ts'

/** Runs the load generator. Throws when a request failed: a figure with errors in it says nothing. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const result: LoadResult = JSON.parse(await output('load', script('load.ts', JSON.stringify(options))))
  if (result.errors > 0) throw new Error(`${result.errors} requests to ${options.url} failed`)
  return result
}

export interface PostRequest extends Pick<LoadOptions, 'url'> {
  method: 'POST'
  headers: { 'content-type': string; authorization: string }
  body: string
}

/** A request for a picture, as an OpenAI client sends it. */
export function generation(url: string, format: 'url' | 'b64_json', model = 'gpt-image-1'): PostRequest {
  return {
    url: `${url}/v1/images/generations`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ model, prompt: 'a cat', response_format: format }),
  }
}

/** A chat with a model that only writes, as an OpenAI client sends it, or with another. */
export function chat(url: string, { model = 'chat-plain', stream = false } = {}): PostRequest {
  const messages = [
    { role: 'system', content: 'You are a helpful assistant. Answer in one sentence.' },
    { role: 'user', content: model === 'chat-plain' ? 'Why is the sky blue?' : 'Draw a cat' },
  ]
  return {
    url: `${url}/v1/chat/completions`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ model, messages, stream }),
  }
}

const WRK = ['/usr/bin/wrk', '/usr/local/bin/wrk', '/opt/homebrew/bin/wrk'].find((path) => existsSync(path))

/** The tool for small replies: they come faster than a load generator in JavaScript can ask for them. */
export const RATE_TOOL = WRK === undefined ? 'bench/load.ts (wrk is not installed)' : 'wrk'

export interface RateResult {
  /** Requests per second. */
  rate: number
  /** Milliseconds. */
  p99: number
}

/** @param duration in seconds */
export async function get(url: string, connections: number, duration: number): Promise<RateResult> {
  if (WRK === undefined) return load({ url, method: 'GET', connections, duration })
  return wrk(WRK, [url], connections, duration)
}

/** @param duration in seconds */
export async function post(request: PostRequest, connections: number, duration: number): Promise<RateResult> {
  if (WRK === undefined) return load({ ...request, connections, duration })
  const { url, body, headers } = request
  const script = ['-s', join('bench', 'post.lua'), url, '--', body, headers.authorization]
  return wrk(WRK, script, connections, duration)
}

async function wrk(
  path: string,
  what: readonly string[],
  connections: number,
  duration: number,
): Promise<RateResult> {
  const text = await output('load', [path, '-t1', `-c${connections}`, `-d${duration}s`, '--latency', ...what])
  const failed = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(text)?.[0]
  if (failed !== undefined) throw new Error(`${what.join(' ')}: ${failed}`)
  const [, p99 = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(text) ?? []
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    p99: Number(p99) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN),
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return (
    ((sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN) +
      (sorted[Math.ceil((sorted.length - 1) / 2)] ?? Number.NaN)) /
    2
  )
}
