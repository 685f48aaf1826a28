import { isIPv4 } from 'node:net'
import { join, resolve } from 'node:path'
import type { AccountStrategy } from '../contract/account.ts'
import { type ObjectsConfig, objectProblems, objectsConfig } from './config-objects.ts'
import { systemTimeZone } from './config-values.ts'
import { VARIABLES, type Values, type Variable } from './config-variables.ts'

/** An upstream that speaks the OpenAI or the Gemini API. */
export interface UpstreamConfig {
  /** Without a trailing slash; ends in `/v1` or `/v1beta` as a rule. */
  readonly baseUrl: string
  /** Empty where the upstream needs no key. */
  readonly apiKeys: readonly string[]
}

export interface RelayConfig extends UpstreamConfig {
  readonly imageModel: string
  readonly chatModel: string
}

/** Everything that the environment decides. Frozen. */
export interface Config {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Absolute path. */
  readonly dataDirectory: string
  /** Without a trailing slash. */
  readonly publicUrl?: string
  readonly apiKey?: string
  /** The account that the environment names. */
  readonly admin?: { readonly username: string; readonly password: string }
  /** At least 16 characters. */
  readonly adminKey?: string
  readonly authentication: 'on' | 'off'
  /** At least 32 characters. */
  readonly secretKey?: string
  /** IANA name. */
  readonly timeZone: string
  readonly logLevel: Values['logLevel']
  /** `sqlite:<path>`, `postgres://…` or `mysql://…`. */
  readonly databaseUrl: string
  readonly openai?: UpstreamConfig
  readonly relay?: RelayConfig
  readonly gemini?: UpstreamConfig
  /** File with session tokens, if it exists. */
  readonly ssoFile: string
  readonly ssoRotationStrategy: AccountStrategy
  /** 0 for any number. */
  readonly ssoDailyLimit: number
  readonly accountStrategy: AccountStrategy
  /** 0 for any number. */
  readonly accountDailyLimit: number
  /** `RELAY_ENABLED` says that there is to be no relay. */
  readonly relayDisabled: boolean
  readonly mode?: Values['mode']
  readonly providerOrder?: readonly string[]
  /** Whether a caller's own `apiBase` may be a private address. */
  readonly allowPrivateUpstreams: boolean
  readonly grokUrl: string
  /** `http://…`, `https://…` or `socks5://…`, perhaps with a password. */
  readonly proxyUrl?: string
  /** Milliseconds. */
  readonly generationTimeout: number
  readonly allowExternalImages: boolean
  readonly trashDays: number
  /** Where pictures are kept beside the local disk. */
  readonly objects?: ObjectsConfig
  /** Where viewers of uploaded pictures are sent; without a trailing slash. */
  readonly s3PublicUrl?: string
  readonly s3Redirect: Values['s3Redirect']
  readonly s3Uploads: number
  /** MiB per second; 0 for no limit. */
  readonly s3UploadMegabytes: number
  readonly s3KeepDeleted: boolean
  /** 0 for ever. */
  readonly localCacheHours: number
  /** 0 for no limit. */
  readonly localCacheMegabytes: number
  readonly localCacheOnlyCopies: Values['localCacheOnlyCopies']
  /** 0 for ever. */
  readonly retentionDays: number
  /** As Fastify takes it. */
  readonly trustProxy: boolean | string[]
  readonly workers: number
  readonly queueLimit: number
  /** 0 for any number. */
  readonly accountConcurrency: number
  readonly imagesDefaultFormat: 'url' | 'b64_json'
  readonly keepAliveJson: boolean
  readonly webSocketLimit: number
  readonly chatPictures: Values['chatPictures']
  readonly chatImageFormat: Values['chatImageFormat']
  readonly chatProgress: Values['chatProgress']
  readonly chatLanguage: Values['chatLanguage']
  readonly storeUpstreamUrls: boolean
  readonly webhookSecret?: string
  readonly gatewayModel: string
  readonly promptTranslation: boolean
  readonly promptEnhancement: boolean
  /** The chat model that translates prompts. */
  readonly promptModel: string
  readonly pricesFile?: string
  readonly defaultAspectRatio?: Values['defaultAspectRatio']
}

export type Environment = Record<string, string | undefined>

/** Names every wrong variable at once, with what was expected. Shows no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** One line for each wrong variable. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? 'One setting is' : `${problems.length} settings are`
    super(`${count} wrong, so nothing was started:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** Reads the environment. @throws ConfigError */
export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = []
  const values = readValues(environment, problems)
  problems.push(...contradictions(values, environment))
  if (problems.length > 0) throw new ConfigError(problems)
  return deepFreeze(toConfig(values))
}

function readValues(environment: Environment, problems: string[]): Values {
  const entries = Object.entries<Variable<unknown>>(VARIABLES).map(([key, variable]) => {
    const name = givenName(variable, environment)
    const text = environment[name]?.trim() || variable.default
    const value = text === undefined ? undefined : variable.kind.parse(text)
    if (text !== undefined && value === undefined) problems.push(describeProblem(name, variable, text))
    return [key, value]
  })
  // A wrong value leaves a hole here, and then nobody gets to see the result.
  return Object.fromEntries(entries) as Values
}

function givenName(variable: Variable<unknown>, environment: Environment): string {
  const { name, alias } = variable
  return alias && !isSet(environment, name) && isSet(environment, alias) ? alias : name
}

function isSet(environment: Environment, name: string): boolean {
  return Boolean(environment[name]?.trim())
}

function describeProblem(name: string, variable: Variable<unknown>, text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  const given = variable.secret
    ? 'the given value (not shown) cannot be used'
    : `${JSON.stringify(shown)} cannot be used`
  return `${name}: ${given}; expected ${variable.kind.expected}`
}

function contradictions(values: Values, environment: Environment): string[] {
  const problems: string[] = []
  if (values.authentication === 'off' && !values.authenticationOffPublic && !isLoopback(values.host)) {
    problems.push(
      `AUTH: "off" cannot be used with HOST=${values.host}, which others can reach; expected HOST=127.0.0.1, or AUTH_OFF_PUBLIC=yes if that is what you want`,
    )
  }
  problems.push(...adminContradictions(values, environment))
  if (values.relayEnabled && !isSet(environment, 'RELAY_BASE_URL')) {
    problems.push(
      `RELAY_BASE_URL: is missing; expected with RELAY_ENABLED: ${VARIABLES.relayBaseUrl.kind.expected}`,
    )
  }
  if (values.mode === 'relay' && (values.relayEnabled === false || !isSet(environment, 'RELAY_BASE_URL'))) {
    problems.push(
      'UPSTREAM_MODE: "relay" cannot be used without a relay; expected RELAY_BASE_URL with it, and RELAY_ENABLED not to be false',
    )
  }
  if (needsStorageUrl(values) && !isSet(environment, 'SERVER_STORAGE_URL')) {
    problems.push(
      `SERVER_STORAGE_URL: is missing; expected with SERVER_STORAGE_TYPE=${values.serverStorageType}: ${VARIABLES.databaseUrl.kind.expected}`,
    )
  }
  return [...problems, ...objectProblems(values)]
}

function adminContradictions(values: Values, environment: Environment): string[] {
  const { adminUsername: name, adminPassword: password } = VARIABLES
  const pairs = [[name, password] as const, [password, name] as const]
  const problems = pairs
    .filter(([given, missing]) => isSet(environment, given.name) && !isSet(environment, missing.name))
    .map(
      ([given, missing]) =>
        `${missing.name}: is missing; expected with ${given.name}: ${missing.kind.expected}`,
    )
  if (values.adminKey !== undefined && values.adminKey === values.apiKey)
    problems.push('ADMIN_KEY: is the same as API_KEY; expected another one, which clients do not know')
  return problems
}

function needsStorageUrl(values: Values): boolean {
  return !values.databaseUrl && !['local', 'sqlite', undefined].includes(values.serverStorageType)
}

function isLoopback(host: string | undefined): boolean {
  if (host === undefined || host === 'localhost' || host === '::1') return true
  return isIPv4(host) && host.startsWith('127.')
}

function toConfig(values: Values): Config {
  const {
    openaiBaseUrl,
    openaiApiKeys,
    relayEnabled,
    relayBaseUrl,
    relayApiKeys,
    relayImageModel,
    relayChatModel,
    geminiBaseUrl,
    geminiApiKeys,
    adminUsername,
    adminPassword,
    ...rest
  } = values
  const { authenticationOffPublic: _, serverStorageType: __, serverStorageUrl: ___, ...plain } = rest
  const dataDirectory = resolve(values.dataDirectory)
  const objects = objectsConfig(values)
  return {
    ...plain,
    dataDirectory,
    timeZone: values.timeZone ?? systemTimeZone(),
    databaseUrl: chooseDatabase(values, dataDirectory),
    ...(adminUsername && adminPassword && { admin: { username: adminUsername, password: adminPassword } }),
    ...(objects && { objects }),
    ...((openaiBaseUrl || openaiApiKeys) && {
      openai: { baseUrl: openaiBaseUrl ?? 'https://api.openai.com/v1', apiKeys: openaiApiKeys ?? [] },
    }),
    relayDisabled: relayEnabled === false,
    ...(relayBaseUrl &&
      relayEnabled !== false && {
        relay: {
          baseUrl: relayBaseUrl,
          apiKeys: relayApiKeys ?? [],
          imageModel: relayImageModel,
          chatModel: relayChatModel,
        },
      }),
    ...((geminiBaseUrl || geminiApiKeys) && {
      gemini: {
        baseUrl: geminiBaseUrl ?? 'https://generativelanguage.googleapis.com/v1beta',
        apiKeys: geminiApiKeys ?? [],
      },
    }),
  }
}

function chooseDatabase(values: Values, dataDirectory: string): string {
  const other = values.serverStorageType === 'local' ? undefined : values.serverStorageUrl
  return values.databaseUrl ?? other ?? `sqlite:${join(dataDirectory, 'pictor.sqlite')}`
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (inner && typeof inner === 'object') deepFreeze(inner)
  return Object.freeze(value)
}
