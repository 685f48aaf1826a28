import type { ImageJob, OutputFormat, Warning } from '../../contract/job.ts'
import type { Outgoing } from '../base/http.ts'
import type { Spool } from '../bytes/spool.ts'
import type { Spooled } from '../bytes/spooled.ts'
import type { ProviderError } from './provider-error.ts'

/** What a model can take. Facts, so that nobody asks for a model's name to know what it does. */
export interface Capabilities {
  /** `image`: asked over an images API. `chat`: asked over a chat API. */
  kind: 'image' | 'chat'
  /** Whether it draws; true of every `image` model, and of some `chat` models. */
  draws: boolean
  /** Most pictures in one upstream call; more are asked for in parallel calls. */
  maxImages: number
  /** Most input pictures in one edit; 0 where the model cannot edit. */
  maxReferences: number
  /** `list`: only these; `free`: any within the limits; `none`: the model takes no size. */
  sizes:
    | { rule: 'list'; list: readonly string[] }
    | { rule: 'free'; step: number; max: number }
    | { rule: 'none' }
  /** Ratios that the model takes as such; empty where it wants pixels. */
  aspectRatios: readonly string[]
  /** Values that the model knows; an empty list means that the parameter is not taken. */
  qualities: readonly string[]
  styles: readonly string[]
  backgrounds: readonly string[]
  outputFormats: readonly OutputFormat[]
  supports: {
    seed: boolean
    mask: boolean
    variation: boolean
    /** Upstream can stream previews. */
    partialImages: boolean
    responseFormat: boolean
    outputCompression: boolean
    moderation: boolean
    inputFidelity: boolean
    user: boolean
    /** Parameters that we do not know may be sent (else they are a 4xx upstream). */
    unknownParameters: boolean
  }
  /** The model's own API never answers with a URL (contract §1: `b64_json` is then the default reply). */
  base64Only: boolean
}

/** A model as clients see it. */
export interface ModelInfo {
  id: string
  /** Seconds since the epoch; 0 where the upstream does not say. */
  created: number
  ownedBy: string
}

/** The pictures that go along with a job. */
export interface Inputs {
  images: readonly Spooled[]
  mask?: Spooled | undefined
  /** Opaque upstream state of those pictures that an upstream drew, by their sha256; see `signature` of an image event. */
  signatures?: ReadonlyMap<string, string> | undefined
}

export interface PlanRequest {
  job: ImageJob
  /** The upstream's own name of the model. */
  model: string
  inputs: Inputs
}

/** One upstream call: how many pictures it asks for, and the body in the adapter's own form. */
export interface Call {
  images: number
  request: unknown
}

/** What will be asked of the upstream, worked out without any I/O. */
export interface Plan {
  calls: readonly Call[]
  /** What was asked for and will not reach the upstream as it was. */
  warnings: readonly Warning[]
}

/** A key or token of a provider. */
export interface Account {
  id: string
  /** Empty for an upstream that wants no key. */
  secret: string
  /** A caller brought it for its own request. */
  brought?: boolean
  /** The proxy of this account's calls, in place of that of all. */
  proxyUrl?: string | undefined
}

/** What a running call may use. */
export interface CallContext {
  account: Account
  http: Outgoing
  /** Pictures that arrive are written here. */
  spool: Spool
  /** Aborts when the client is gone, the job is cancelled or the time is up. */
  signal: AbortSignal
}

/** A chat completion to be passed on. */
export interface ChatCall {
  /** The upstream's own name of the model; goes out in place of the one in the body. */
  model: string
  /** The request in OpenAI's dialect, with {@link Spooled} where pictures are. */
  body: Readonly<Record<string, unknown>>
}

/** An upstream's answer to a chat completion that it has accepted (2xx). */
export interface ChatReply {
  /** Whether it is a stream of server-sent events, whatever was asked for. */
  isStream: boolean
  /** As the upstream sends it, decompressed. Read it to the end or call `discard`. */
  body: AsyncIterable<Uint8Array>
  /** What went wrong, where a body or an event of it says so: upstreams also do that after a 200. */
  failureIn(value: unknown): ProviderError | undefined
  /** What the upstream counted, in OpenAI's field names, as far as the body has been read; undefined where it says nothing. */
  usage(): Readonly<Record<string, unknown>> | undefined
  discard(): void
}

/** What comes back from an upstream, in the order in which it arrives. */
export type ImageEvent =
  /** 0..100, or undefined where only the stage is known. */
  | { type: 'progress'; percent?: number; stage?: string }
  /** The upstream has accepted the call and begins to answer: from here on it counts as paid for. */
  | { type: 'arriving' }
  /** A preview of the picture at `index` of this call; never stored. */
  | { type: 'partial'; index: number; picture: Spooled; partialIndex: number }
  /** A finished picture. `details` are facts the upstream states: size, quality, background, output_format. */
  | {
      type: 'image'
      index: number
      picture: Spooled
      revisedPrompt?: string
      /** Opaque upstream state to send back with later edits (Gemini's thought signature). */
      signature?: string
      details?: Readonly<Record<string, unknown>>
    }
  /** Tokens or cost as the upstream counts them, in OpenAI's field names. */
  | { type: 'usage'; usage: Readonly<Record<string, unknown>> }
  | { type: 'text'; text: string }
  /** Something turned out not to be as asked while the call ran. */
  | { type: 'warning'; warning: Warning }
  /** One picture of the call was withheld by moderation; the others may still come. */
  | { type: 'blocked'; reason: string }

/**
 * An upstream that can draw. `plan` is pure; `run` performs one call and yields what comes back,
 * throwing only {@link ProviderError}. Every provider passes `conformance.ts`.
 */
export interface Provider {
  /** Unique among the configured providers, e.g. `openai`, `relay`, `demo`. */
  readonly name: string
  /**
   * Those of its configuration: one with an empty secret where the upstream needs no key, none where all of them come from
   * elsewhere. The gateway keeps them, together with others, in `accounts/`.
   */
  readonly accounts: readonly Account[]
  /** Public models known now. */
  models(): readonly ModelInfo[]
  /** Whether a request for this model may be sent here, also where the list is not complete. */
  serves(model: string): boolean
  capabilities(model: string): Capabilities
  plan(request: PlanRequest): Plan
  run(call: Call, context: CallContext): AsyncIterable<ImageEvent>
  /** Passes a chat completion on; throws like `run` for everything but a 2xx. Absent where there are no chat models. */
  chat?(call: ChatCall, context: CallContext): Promise<ChatReply>
  /** Asks the upstream for its models; failures leave the last list in place. Absent where the list is fixed. */
  discover?(context: Pick<CallContext, 'account' | 'http' | 'signal'>): Promise<void>
}
