import { AppError } from '../base/error.ts'
import type { ChatReply, Provider } from '../providers/provider.ts'
import type { ProviderError } from '../providers/provider-error.ts'
import { attempt, type Run } from './attempt.ts'
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
  reply: ChatReply
}

/** Who can chat as a model; empty when nobody can. */
export function chatCandidates(gateway: Pick<Gateway, 'providers'>, model: string): ChatCandidate[] {
  return gateway.providers.serving(model).flatMap((provider) => {
    const candidate = candidateOf(provider, model)
    const chat = provider.chat?.bind(provider)
    return chat && candidate.capabilities.kind === 'chat' ? [{ ...candidate, chat }] : []
  })
}

/**
 * Passes a chat completion to the first upstream that takes it. A chat that has not been accepted cost nothing, so it goes
 * on to the next account and provider as the failure table says; throws what the client is to be told when nobody took it.
 */
export async function passOn(
  gateway: Gateway,
  candidates: readonly ChatCandidate[],
  body: Readonly<Record<string, unknown>>,
  run: Run,
  asked: Pick<EndedChat, 'owner' | 'model' | 'begun'>,
): Promise<PassedOn> {
  let failure: ProviderError | undefined
  for (const candidate of candidates) {
    let reply: ChatReply | undefined
    failure = await attempt(gateway, candidate, run, async ({ account, signal }) => {
      const { http } = gateway
      reply = await candidate.chat(
        { model: candidate.model, body },
        { account, http, spool: run.spool, signal },
      )
    })
    if (reply) return { candidate, reply }
    if (failure && !mayGoOn(failure)) break
  }
  const [candidate] = candidates
  if (candidate) noteChat(gateway, { ...asked, candidate, usage: undefined, how: 'failed' })
  throw failure ? toClientError(failure) : new AppError('server_error')
}
