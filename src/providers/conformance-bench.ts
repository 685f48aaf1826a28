import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { ImageJob } from '../../contract/job.ts'
import { createOutgoing } from '../base/http.ts'
import { openSpoolDirectory } from '../bytes/spool.ts'
import type { Call, CallContext, ImageEvent, Inputs, Provider } from './provider.ts'

/** A provider ready to be tried, with ways to make it behave badly where it has an upstream that can. */
export interface Subject {
  provider: Provider
  /** Upstream name of a model that draws and, if its capabilities say so, edits. */
  model: string
  /** A dialect that the provider does not speak, so that unknown parameters in it are lost. Default: `batch`. */
  foreignDialect?: ImageJob['dialect']
  /** From now on calls take very long. */
  slowDown?: () => void
  /** Ways in which calls can fail from now on; each is tried. */
  failures?: Readonly<Record<string, () => void>>
  close?: () => Promise<void>
}

/** What the tests work with; made anew for each. */
export interface Bench {
  subject: Subject
  context(signal?: AbortSignal): CallContext
}

export function useBench(setUp: () => Promise<Subject>): () => Bench {
  let bench: Bench | undefined
  const closing: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pictor-provider-'))
    const spools = await openSpoolDirectory(folder)
    const http = createOutgoing({ userAgent: 'conformance' })
    const subject = await setUp()
    closing.push(
      async () => subject.close?.(),
      http.close,
      () => rm(folder, { recursive: true }),
    )
    bench = {
      subject,
      context: (signal = new AbortController().signal) => {
        const spool = spools.scope()
        closing.unshift(async () => spool[Symbol.asyncDispose]())
        return { account: firstAccount(subject.provider), http, spool, signal }
      },
    }
  })
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })
  return () => {
    if (bench === undefined) throw new Error('only within a test')
    return bench
  }
}

export const NONE: Inputs = { images: [] }

export function job(model: string, wishes: Partial<ImageJob> = {}): ImageJob {
  return { kind: 'generate', model, prompt: 'a red fox in the snow', n: 1, dialect: 'openai', ...wishes }
}

export function plan(
  { provider, model }: Subject,
  wishes: Partial<ImageJob> = {},
  inputs: Inputs = NONE,
): [Call, ...Call[]] {
  const [first, ...others] = provider.plan({ job: job(model, wishes), model, inputs }).calls
  if (first === undefined) throw new Error('the plan has no call')
  return [first, ...others]
}

export function firstAccount(provider: Provider) {
  const account = provider.accounts[0]
  if (account === undefined) throw new Error('the provider has no account')
  return account
}

export async function collect(events: AsyncIterable<ImageEvent>): Promise<ImageEvent[]> {
  const all: ImageEvent[] = []
  for await (const event of events) all.push(event)
  return all
}
