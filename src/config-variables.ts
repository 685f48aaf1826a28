import { ACCOUNT_STRATEGIES } from '../contract/account.ts'
import { PASSWORD_LENGTH } from '../contract/admin.ts'
import { ASPECT_RATIOS } from '../contract/job.ts'
import { UPSTREAM_MODES } from '../contract/settings.ts'
import {
  baseUrl,
  databaseUrl,
  integer,
  listenAddress,
  objectPrefix,
  oneOf,
  onOrOff,
  proxyUrl,
  seconds,
  socketUrl,
  text,
  timeZone,
  token,
  tokens,
  trustedProxies,
  username,
  type ValueKind,
  yesOrNo,
} from './config-values.ts'

/** One environment variable. `docs/config.md` and `.env.example` are generated from these. */
export interface Variable<T> {
  name: string
  /** Another name for the same thing, read when `name` is not set. */
  alias?: string
  group:
    | 'Server'
    | 'Access'
    | 'Storage'
    | 'Objects'
    | 'Upstreams'
    | 'Requests'
    | 'Chat'
    | 'Pictures'
    | 'Prompts'
  kind: ValueKind<T>
  /** Read like a given value when nothing is set. */
  default?: string
  /** What holds when nothing is set and the default is not a fixed value. */
  otherwise?: string
  /** The value is never shown. */
  secret?: true
  description: string
}

const withDefault = <T>(variable: Variable<T> & { default: string }): Variable<T> => variable
const optional = <T>(variable: Variable<T> & { default?: never }): Variable<T | undefined> => variable

/** Every environment variable that Pictor reads, by the name it has in the program. */
export const VARIABLES = {
  host: withDefault({
    name: 'HOST',
    group: 'Server',
    kind: listenAddress(),
    default: '127.0.0.1',
    description: 'Address to listen on. `0.0.0.0` listens on every network; containers need that.',
  }),
  port: withDefault({
    name: 'PORT',
    group: 'Server',
    kind: integer(0, 65_535),
    default: '5643',
    description: 'Port to listen on; `0` takes any free one.',
  }),
  publicUrl: optional({
    name: 'PUBLIC_URL',
    alias: 'BASE_URL',
    group: 'Server',
    kind: baseUrl(),
    otherwise: 'the address that the request came to',
    description:
      'The address under which clients reach this server. Links to pictures start with it, so set it behind a proxy.',
  }),
  trustProxy: withDefault({
    name: 'TRUST_PROXY',
    group: 'Server',
    kind: trustedProxies(),
    default: 'false',
    description:
      'Whose `X-Forwarded-*` headers are believed. Name your proxy here if there is one; with `true` every caller can name any address as its own.',
  }),
  timeZone: optional({
    name: 'TZ',
    group: 'Server',
    kind: timeZone(),
    otherwise: "the system's time zone",
    description: 'Time zone in which a day begins and ends.',
  }),
  logLevel: withDefault({
    name: 'LOG_LEVEL',
    group: 'Server',
    kind: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    default: 'info',
    description: 'How much is logged.',
  }),

  apiKey: optional({
    name: 'API_KEY',
    group: 'Access',
    kind: token('visible ASCII characters without spaces'),
    otherwise: 'one is made at the first start and printed once',
    secret: true,
    description: 'The key that clients send as `Authorization: Bearer …`.',
  }),
  adminUsername: optional({
    name: 'ADMIN_USERNAME',
    group: 'Access',
    kind: username(),
    otherwise: 'the account is made with the link that the first start prints',
    description:
      'Name of the admin account, together with `ADMIN_PASSWORD`. The two replace the account that there is.',
  }),
  adminPassword: optional({
    name: 'ADMIN_PASSWORD',
    group: 'Access',
    kind: text('at least 8 characters', PASSWORD_LENGTH.minimum),
    secret: true,
    description: 'Password of the admin account, together with `ADMIN_USERNAME`.',
  }),
  adminKey: optional({
    name: 'ADMIN_KEY',
    group: 'Access',
    kind: token('visible ASCII characters without spaces, at least 16', 16),
    otherwise: 'only a signed-in browser is the admin',
    secret: true,
    description:
      'A key for programs that send `Authorization: Bearer …` to the admin routes. It cannot be the same as `API_KEY`, and draws nothing.',
  }),
  authentication: withDefault({
    name: 'AUTH',
    group: 'Access',
    kind: onOrOff(),
    default: 'on',
    description:
      '`off` answers without a key. The server then listens on a loopback address only, unless `AUTH_OFF_PUBLIC=yes`.',
  }),
  authenticationOffPublic: withDefault({
    name: 'AUTH_OFF_PUBLIC',
    group: 'Access',
    kind: yesOrNo(),
    default: 'false',
    description:
      'Allows `AUTH=off` on a `HOST` that others can reach. Anyone there can then spend your quota.',
  }),
  secretKey: optional({
    name: 'SECRET_KEY',
    group: 'Access',
    kind: text('at least 32 characters, for example from `openssl rand -hex 32`', 32),
    otherwise: 'one is made at the first start and kept in `DATA_DIR/secret.key`',
    secret: true,
    description:
      'Protects what is stored encrypted or signed. Replicas that share a database need the same one.',
  }),

  dataDirectory: withDefault({
    name: 'DATA_DIR',
    group: 'Storage',
    kind: text('a directory'),
    default: './data',
    description: 'Where pictures, the SQLite database and the secret key are kept. Made when missing.',
  }),
  databaseUrl: optional({
    name: 'DATABASE_URL',
    group: 'Storage',
    kind: databaseUrl(),
    otherwise: '`sqlite:` and the file `pictor.sqlite` in `DATA_DIR`',
    secret: true,
    description: 'The database.',
  }),
  s3Endpoint: optional({
    name: 'S3_ENDPOINT',
    group: 'Objects',
    kind: baseUrl(),
    otherwise: "AWS's own for `S3_REGION`",
    description: 'Address of the object storage, without the bucket. See docs/storage.md.',
  }),
  s3Bucket: optional({
    name: 'S3_BUCKET',
    group: 'Objects',
    kind: token('the name of a bucket'),
    description: 'The bucket in which pictures are kept beside the local disk; it must exist.',
  }),
  s3Region: withDefault({
    name: 'S3_REGION',
    group: 'Objects',
    kind: token('the name of a region, such as eu-central-1'),
    default: 'auto',
    description: 'Region of the bucket. `auto` is right for R2 and most others; AWS needs its name.',
  }),
  s3AccessKeyId: optional({
    name: 'S3_ACCESS_KEY_ID',
    group: 'Objects',
    kind: token('the id of an access key'),
    secret: true,
    description: 'Access key that may read, write, list and delete objects of the bucket.',
  }),
  s3SecretAccessKey: optional({
    name: 'S3_SECRET_ACCESS_KEY',
    group: 'Objects',
    kind: token('the secret of an access key'),
    secret: true,
    description: 'The secret of that key.',
  }),
  s3Prefix: optional({
    name: 'S3_PREFIX',
    group: 'Objects',
    kind: objectPrefix(),
    description: 'Stands before the name of every object, so that several programs can share a bucket.',
  }),
  s3PathStyle: optional({
    name: 'S3_PATH_STYLE',
    group: 'Objects',
    kind: yesOrNo(),
    otherwise: '`true` with `S3_ENDPOINT`, else `false`',
    description: 'Whether the bucket stands in the path of addresses instead of the host name.',
  }),
  s3PublicUrl: optional({
    name: 'S3_PUBLIC_URL',
    group: 'Objects',
    kind: baseUrl(),
    description:
      'Address under which anyone can read the bucket, a CDN for example. Viewers of uploaded pictures are sent there.',
  }),
  s3Redirect: withDefault({
    name: 'S3_REDIRECT',
    group: 'Objects',
    kind: oneOf(['off', 'presigned']),
    default: 'off',
    description:
      'With `presigned`, viewers of uploaded pictures are sent to an address of the bucket that works for an hour.',
  }),
  s3Uploads: withDefault({
    name: 'S3_UPLOADS',
    group: 'Objects',
    kind: integer(1, 32),
    default: '4',
    description: 'How many pictures are uploaded at the same time.',
  }),
  s3UploadMegabytes: withDefault({
    name: 'S3_UPLOAD_MIB_PER_SECOND',
    group: 'Objects',
    kind: integer(0, 100_000),
    default: '8',
    description:
      'Most MiB per second that go up, so that requests stay quick while a backlog is uploaded. 0 for no limit.',
  }),
  s3KeepDeleted: withDefault({
    name: 'S3_KEEP_DELETED',
    group: 'Objects',
    kind: yesOrNo(),
    default: 'false',
    description: 'Whether the object of a picture stays in the bucket when the trash is emptied.',
  }),
  r2AccountId: optional({
    name: 'R2_ACCOUNT_ID',
    group: 'Objects',
    kind: token('the id of a Cloudflare account'),
    description:
      'Cloudflare account of an R2 bucket: a shorter way to say `S3_ENDPOINT`. With the next three, in place of the `S3_` ones.',
  }),
  r2AccessKeyId: optional({
    name: 'R2_ACCESS_KEY_ID',
    group: 'Objects',
    kind: token('the id of an access key'),
    secret: true,
    description: 'Access key of R2.',
  }),
  r2SecretAccessKey: optional({
    name: 'R2_SECRET_ACCESS_KEY',
    group: 'Objects',
    kind: token('the secret of an access key'),
    secret: true,
    description: 'The secret of that key.',
  }),
  r2Bucket: optional({
    name: 'R2_BUCKET',
    group: 'Objects',
    kind: token('the name of a bucket'),
    description: 'The bucket of R2.',
  }),
  localCacheHours: withDefault({
    name: 'LOCAL_CACHE_TTL_HOURS',
    group: 'Objects',
    kind: integer(0, 87_600),
    default: '72',
    description:
      'Hours after its last use for which a picture that is uploaded also stays on the local disk. 0 keeps it for ever.',
  }),
  localCacheMegabytes: withDefault({
    name: 'MAX_LOCAL_CACHE_MB',
    group: 'Objects',
    kind: integer(0, 1_000_000_000),
    default: '0',
    description:
      'Most MiB of pictures on the local disk. Above it, those unused for longest go, down to 90 %; 0 for no limit.',
  }),
  localCacheOnlyCopies: withDefault({
    name: 'LOCAL_CACHE_ONLY_COPIES',
    group: 'Objects',
    kind: oneOf(['keep', 'evict']),
    default: 'keep',
    description:
      'With `evict`, the two limits above also **delete** pictures that exist nowhere else, when no uploaded one is left to go.',
  }),
  retentionDays: withDefault({
    name: 'METADATA_RETENTION_DAYS',
    group: 'Objects',
    kind: integer(0, 36_500),
    default: '0',
    description: 'Pictures older than so many days go into the trash by themselves. 0 keeps them for ever.',
  }),
  serverStorageType: optional({
    name: 'SERVER_STORAGE_TYPE',
    group: 'Storage',
    kind: oneOf(['local', 'sqlite', 'postgres', 'postgresql', 'pgsql', 'mysql', 'mariadb']),
    description:
      'Another way to name the database, together with `SERVER_STORAGE_URL`. `DATABASE_URL` wins over it.',
  }),
  serverStorageUrl: optional({
    name: 'SERVER_STORAGE_URL',
    group: 'Storage',
    kind: databaseUrl(),
    secret: true,
    description: 'Address for `SERVER_STORAGE_TYPE`; has no effect when that is `local`.',
  }),

  openaiBaseUrl: optional({
    name: 'OPENAI_BASE_URL',
    group: 'Upstreams',
    kind: baseUrl(),
    otherwise: '`https://api.openai.com/v1`, once `OPENAI_API_KEY` is set',
    description: 'OpenAI, or anything that speaks its API. Either this or the key turns the upstream on.',
  }),
  openaiApiKeys: optional({
    name: 'OPENAI_API_KEY',
    group: 'Upstreams',
    kind: tokens('one key, or several separated by commas'),
    secret: true,
    description: 'Key for it. With several keys, the next one is used when one is limited or refused.',
  }),
  relayEnabled: optional({
    name: 'RELAY_ENABLED',
    group: 'Upstreams',
    kind: yesOrNo(),
    otherwise: 'true when `RELAY_BASE_URL` is set',
    description: 'Whether the relay is there at all; `UPSTREAM_MODE` says when it is asked.',
  }),
  relayBaseUrl: optional({
    name: 'RELAY_BASE_URL',
    group: 'Upstreams',
    kind: baseUrl(),
    description: 'A second upstream that speaks the OpenAI API, such as a relay. Include the `/v1`.',
  }),
  relayApiKeys: optional({
    name: 'RELAY_API_KEY',
    group: 'Upstreams',
    kind: tokens('one key, or several separated by commas'),
    secret: true,
    description: 'Key for the relay.',
  }),
  relayImageModel: withDefault({
    name: 'RELAY_IMAGE_MODEL',
    group: 'Upstreams',
    kind: token('a model name'),
    default: 'grok-imagine-0.9',
    description: 'The model that is asked of the relay for pictures.',
  }),
  relayChatModel: withDefault({
    name: 'RELAY_CHAT_MODEL',
    group: 'Upstreams',
    kind: token('a model name'),
    default: 'grok-4-fast',
    description: 'The model that answers at the relay when a chat is not about a picture.',
  }),
  mode: optional({
    name: 'UPSTREAM_MODE',
    group: 'Upstreams',
    kind: oneOf(UPSTREAM_MODES),
    otherwise: 'what the settings say; `auto` at first',
    description:
      'Which upstreams are asked: `auto` all of them, each standing in for the one before; `relay` only the relay; `direct` all but the relay. Locks the setting.',
  }),
  providerOrder: optional({
    name: 'PROVIDER_ORDER',
    group: 'Upstreams',
    kind: tokens('names of upstreams separated by commas, such as relay,openai'),
    otherwise: 'what the settings say; openai, relay, gemini at first',
    description:
      'The order in which upstreams are preferred that have the same model; those that are not named come last. Locks the setting.',
  }),
  geminiBaseUrl: optional({
    name: 'GEMINI_BASE_URL',
    group: 'Upstreams',
    kind: baseUrl(),
    otherwise: '`https://generativelanguage.googleapis.com/v1beta`, once `GEMINI_API_KEY` is set',
    description:
      "Google's Gemini API, or anything that speaks it; `/v1beta` is added where no version is given. Either this or the key turns the upstream on.",
  }),
  geminiApiKeys: optional({
    name: 'GEMINI_API_KEY',
    group: 'Upstreams',
    kind: tokens('one key, or several separated by commas'),
    secret: true,
    description: 'Key for it. With several keys, the next one is used when one is limited or refused.',
  }),
  ssoFile: withDefault({
    name: 'SSO_FILE',
    group: 'Upstreams',
    kind: text('a file'),
    default: 'key.txt',
    description:
      'Session tokens for Grok Imagine, one a line; lines with `#` are comments. It may change at any time, and need not exist.',
  }),
  ssoRotationStrategy: withDefault({
    name: 'SSO_ROTATION_STRATEGY',
    group: 'Upstreams',
    kind: oneOf(ACCOUNT_STRATEGIES),
    default: 'hybrid',
    description: 'In which order the session tokens are used; see `docs/accounts.md`.',
  }),
  ssoDailyLimit: withDefault({
    name: 'SSO_DAILY_LIMIT',
    group: 'Upstreams',
    kind: integer(0, 1_000_000),
    default: '10',
    description: 'Pictures that one session token may draw in a day. `0` sets no limit.',
  }),
  accountStrategy: withDefault({
    name: 'ACCOUNT_STRATEGY',
    group: 'Upstreams',
    kind: oneOf(ACCOUNT_STRATEGIES),
    default: 'round_robin',
    description: 'In which order the keys of the other upstreams are used; see `docs/accounts.md`.',
  }),
  accountDailyLimit: withDefault({
    name: 'ACCOUNT_DAILY_LIMIT',
    group: 'Upstreams',
    kind: integer(0, 1_000_000),
    default: '0',
    description: 'Pictures that one key of the other upstreams may draw in a day. `0` sets no limit.',
  }),
  allowPrivateUpstreams: withDefault({
    name: 'ALLOW_PRIVATE_UPSTREAMS',
    group: 'Upstreams',
    kind: yesOrNo(),
    default: 'false',
    description:
      "Whether a caller's own `apiBase` may be a private address or plain http. What is configured here always may.",
  }),
  grokUrl: withDefault({
    name: 'GROK_WS_URL',
    group: 'Upstreams',
    kind: socketUrl('/ws/imagine/listen'),
    default: 'wss://grok.com/ws/imagine/listen',
    description: 'Where Grok Imagine listens for WebSockets.',
  }),
  proxyUrl: optional({
    name: 'PROXY_URL',
    group: 'Upstreams',
    kind: proxyUrl(),
    secret: true,
    description:
      'Proxy through which upstreams are called: HTTP, HTTPS or SOCKS5. Upstreams at private addresses are called directly.',
  }),
  generationTimeout: withDefault({
    name: 'GENERATION_TIMEOUT',
    group: 'Upstreams',
    kind: seconds(1, 3600),
    default: '180',
    description: 'Longest time that one call to an upstream may take.',
  }),

  workers: withDefault({
    name: 'WORKERS',
    group: 'Requests',
    kind: integer(1, 256),
    default: '6',
    description:
      'Calls to upstreams that jobs of the queue (batches, async requests) make at the same time. They take turns.',
  }),
  queueLimit: withDefault({
    name: 'QUEUE_LIMIT',
    group: 'Requests',
    kind: integer(1, 1_000_000),
    default: '1000',
    description:
      'Pictures of jobs that may wait. A batch that does not fit is accepted in part, anything else is refused with 429.',
  }),
  accountConcurrency: withDefault({
    name: 'ACCOUNT_CONCURRENCY',
    group: 'Requests',
    kind: integer(0, 10_000),
    default: '0',
    description:
      'Calls that one upstream key may have at the same time; more wait for their turn. `0` sets no limit.',
  }),
  keepAliveJson: withDefault({
    name: 'KEEPALIVE_JSON',
    group: 'Requests',
    kind: yesOrNo(),
    default: 'false',
    description:
      'Sends white space ahead of a JSON answer that takes longer than 25 s, so that proxies keep the connection. A failure after that moment can only be told in the body, with status 200.',
  }),
  webSocketLimit: withDefault({
    name: 'WEBSOCKET_LIMIT',
    group: 'Requests',
    kind: integer(1, 1_000_000),
    default: '5000',
    description: 'Listeners to the progress of batches that may be connected at the same time.',
  }),
  webhookSecret: optional({
    name: 'WEBHOOK_SECRET',
    group: 'Requests',
    kind: text('at least 16 characters', 16),
    otherwise: '`webhook_url` is refused',
    secret: true,
    description: 'Signs the calls that are made to the `webhook_url` of a request.',
  }),

  promptTranslation: withDefault({
    name: 'PROMPT_TRANSLATION_ENABLED',
    group: 'Prompts',
    kind: yesOrNo(),
    default: 'false',
    description:
      'Whether prompts that are not English are translated before they go to an image model. Each new one costs a call to `OPENAI_MODEL`.',
  }),
  promptEnhancement: withDefault({
    name: 'PROMPT_ENHANCEMENT_ENABLED',
    group: 'Prompts',
    kind: yesOrNo(),
    default: 'false',
    description:
      'Whether prompts that are translated are also made more vivid. Has an effect with `PROMPT_TRANSLATION_ENABLED` only.',
  }),
  promptModel: withDefault({
    name: 'OPENAI_MODEL',
    group: 'Prompts',
    kind: token('a model name'),
    default: 'gpt-4o-mini',
    description:
      'The chat model that translates prompts, also for `POST /v1/prompts/translate`. Any upstream that serves it is asked.',
  }),
  gatewayModel: withDefault({
    name: 'GATEWAY_MODEL',
    group: 'Pictures',
    kind: token('a model name'),
    default: 'pictor',
    description: 'Model name that stands for the best model there is here.',
  }),
  pricesFile: optional({
    name: 'PRICES_FILE',
    group: 'Access',
    kind: text('the path of a JSON file'),
    otherwise: 'the public list prices',
    description: 'Prices of your own for the usage, which come before the public ones; see docs/keys.md.',
  }),
  chatPictures: withDefault({
    name: 'CHAT_PICTURES',
    group: 'Chat',
    kind: oneOf(['auto', 'always', 'never']),
    default: 'auto',
    description:
      'Whether a chat with a model that only writes is answered with a picture: `auto` when its words ask for one.',
  }),
  chatImageFormat: withDefault({
    name: 'CHAT_IMAGE_FORMAT',
    group: 'Chat',
    kind: oneOf(['markdown', 'parts', 'content', 'base64']),
    default: 'markdown',
    description:
      'How pictures stand in a chat answer: as a markdown link, as a link and in `images` too, as content parts, or as base64.',
  }),
  chatProgress: withDefault({
    name: 'CHAT_PROGRESS',
    group: 'Chat',
    kind: oneOf(['content', 'reasoning', 'off']),
    default: 'content',
    description:
      'Where a chat stream shows how far a picture is: in the answer, as reasoning, or not at all.',
  }),
  chatLanguage: withDefault({
    name: 'CHAT_LANGUAGE',
    group: 'Chat',
    kind: oneOf(['auto', 'zh', 'en']),
    default: 'auto',
    description: 'Language of what the gateway itself says in a chat; `auto` follows `Accept-Language`.',
  }),
  storeUpstreamUrls: withDefault({
    name: 'STORE_UPSTREAM_URLS',
    group: 'Chat',
    kind: yesOrNo(),
    default: 'false',
    description:
      'Fetches pictures that a chat upstream only links to, from public addresses, and keeps them.',
  }),
  imagesDefaultFormat: withDefault({
    name: 'IMAGES_DEFAULT_FORMAT',
    group: 'Pictures',
    kind: oneOf(['url', 'b64_json']),
    default: 'url',
    description: 'Form of the answer when a request does not say `response_format`.',
  }),
  defaultAspectRatio: optional({
    name: 'DEFAULT_ASPECT_RATIO',
    group: 'Pictures',
    kind: oneOf(ASPECT_RATIOS),
    otherwise: 'the upstream decides',
    description: 'Aspect ratio when a request names neither a size nor a ratio.',
  }),
  trashDays: withDefault({
    name: 'TRASH_DAYS',
    group: 'Pictures',
    kind: integer(0, 3650),
    default: '7',
    description:
      'How many days the bytes of a deleted picture are kept, though nobody sees it any more. 0 frees them within minutes.',
  }),
  allowExternalImages: withDefault({
    name: 'ALLOW_EXTERNAL_IMAGES',
    group: 'Pictures',
    kind: yesOrNo(),
    default: 'false',
    description: 'Whether a picture that a request names by URL is fetched from a foreign (public) site.',
  }),
}

type ValueOf<V> = V extends Variable<infer T> ? T : never

/** The parsed value of every variable. */
export type Values = { [K in keyof typeof VARIABLES]: ValueOf<(typeof VARIABLES)[K]> }
