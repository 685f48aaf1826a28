import { existsSync } from 'node:fs'
import { API_KEY } from './contenders.ts'
import type { LoadOptions, LoadResult } from './load.ts'
import { output, script } from './processes.ts'

/** Runs the load generator. Throws when a request failed: a figure with errors in it says nothing. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const result: LoadResult = JSON.parse(await output('load', script('load.ts', JSON.stringify(options))))
  if (result.errors > 0) throw new Error(`${result.errors} requests to ${options.url} failed`)
  return result
}

/** A request for a picture, as an OpenAI client sends it. */
export function generation(
  url: string,
  format: 'url' | 'b64_json',
): Pick<LoadOptions, 'url' | 'method' | 'headers' | 'body'> {
  return {
    url: `${url}/v1/images/generations`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ model: 'gpt-image-1', prompt: 'a cat', response_format: format }),
  }
}

const WRK = ['/usr/bin/wrk', '/usr/local/bin/wrk', '/opt/homebrew/bin/wrk'].find((path) => existsSync(path))

/** The tool for GETs: small replies come faster than a load generator in JavaScript can ask for them. */
export const GET_TOOL = WRK === undefined ? 'bench/load.ts (wrk is not installed)' : 'wrk'

export interface GetResult {
  /** Requests per second. */
  rate: number
  /** Milliseconds. */
  p99: number
}

/** @param duration in seconds */
export async function get(url: string, connections: number, duration: number): Promise<GetResult> {
  if (WRK === undefined) return load({ url, method: 'GET', connections, duration })
  const text = await output('load', [WRK, '-t1', `-c${connections}`, `-d${duration}s`, '--latency', url])
  const failed = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(text)?.[0]
  if (failed !== undefined) throw new Error(`${url}: ${failed}`)
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
