import { AppError } from '../base/error.ts'
import type { Account, ChatReply, Provider } from '../providers/provider.ts'
import type { ProviderError } from '../providers/provider-error.ts'
import { attempt, type Run } from './attempt.ts'
import { withinPool } from './candidates.ts'
import { type EndedChat, noteChat } from './chat-usage.ts'
import { mayGoOn, toClientError } from './failure.ts'
import type { Gateway } from './gateway.ts'
import { type Candidate, candidateOf } from './route.ts'

/** A chat model with those who serve it, preferred first; never empty. */
export interface ChatRoute {
  candidates: readonly ChatCandidate[]
}

export interface ChatCandidate extends Candidate {
  chat: NonNullable<Provider['chat']>
}

/** An upstream that has accepted a chat completion. */
export interface PassedOn {
  candidate: ChatCandidate
  /** The key that it was asked with. */
  account: Account
  reply: ChatReply
}

/** Who can chat as a model, with the keys of a pool where the caller is bound to one; empty when nobody can. */
export function chatCandidates(
  gateway: Pick<Gateway, 'providers' | 'accounts'>,
  model: string,
  pool?: string,
): readonly ChatCandidate[] {
  const candidates = gateway.providers.serving(model).flatMap((provider) => {
    const candidate = candidateOf(provider, model)
    const chat = provider.chat?.bind(provider)
    return chat && candidate.capabilities.kind === 'chat' ? [{ ...candidate, chat }] : []
  })
  return withinPool(gateway, candidates, pool)
}

/**
 * Passes a chat completion to the first upstream that takes it. A chat that has not been accepted cost nothing, so it goes
 * on to the next account and provider as the failure table says; throws what the client is to be told when nobody took it.
 *
 * @param asked by whom, where a failure is to be counted
 */
export async function passOn(
  gateway: Gateway,
  candidates: readonly ChatCandidate[],
  body: Readonly<Record<string, unknown>>,
  run: Run,
  asked?: Pick<EndedChat, 'owner' | 'model' | 'begun'>,
): Promise<PassedOn> {
  let failure: ProviderError | undefined
  for (const candidate of candidates) {
    let passed: PassedOn | undefined
    // How many pictures will come nobody knows: one that draws must have one left, and what comes is counted then.
    const least = candidate.capabilities.draws ? 1 : 0
    failure = await attempt(gateway, candidate, least, run, async ({ account, signal }) => {
      const { http } = gateway
      const call = { model: candidate.model, body }
      const reply = await candidate.chat(call, { account, http, spool: run.spool, signal })
      passed = { candidate, account, reply }
    })
    if (passed) return passed
    if (failure && !mayGoOn(failure)) break
  }
  const [candidate] = candidates
  if (candidate && asked) noteChat(gateway, { ...asked, candidate, usage: undefined, how: 'failed' })
  throw failure ? toClientError(failure) : new AppError('server_error')
}
