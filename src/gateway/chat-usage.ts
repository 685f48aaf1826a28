import { dayIn } from '../base/day.ts'
import type { Gateway } from './gateway.ts'
import type { Candidate } from './route.ts'
import { tokensOf } from './tally.ts'

/** A chat that was passed on and brought no picture. */
export interface EndedChat {
  owner: string
  /** As the client named it. */
  model: string
  candidate: Candidate
  /** ms since the epoch. */
  begun: number
  usage: Readonly<Record<string, unknown>> | undefined
  how: 'completed' | 'failed'
}

/** Counts a chat without making it wait for the database. */
export function noteChat(gateway: Gateway, { owner, model, candidate, begun, usage, how }: EndedChat): void {
  const now = gateway.clock.now()
  const isFailed = how === 'failed' && usage === undefined
  const priced = isFailed ? {} : gateway.prices.costOf({ model: candidate.model, pictures: [], usage })
  gateway.usage.note({
    day: dayIn(gateway.settings.timeZone, now),
    owner,
    model,
    provider: candidate.provider.name,
    requests: 1,
    errors: how === 'failed' ? 1 : 0,
    latency: now - begun,
    ...tokensOf(usage),
    ...priced,
  })
}
