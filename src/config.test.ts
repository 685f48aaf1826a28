import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigError, type Environment, readConfig } from './config.ts'
import { VARIABLES, type Variable } from './config-variables.ts'

test('an empty environment gives the documented defaults', () => {
  expect(readConfig({})).toMatchObject({
    host: '127.0.0.1',
    port: 5643,
    dataDirectory: resolve('data'),
    authentication: 'on',
    logLevel: 'info',
    databaseUrl: `sqlite:${resolve('data/pictor.sqlite')}`,
    generationTimeout: 180_000,
    allowExternalImages: false,
    trustProxy: false,
    workers: 6,
    queueLimit: 1000,
    imagesDefaultFormat: 'url',
    keepAliveJson: false,
    gatewayModel: 'pictor',
  })
  const { openai, relay, apiKey, publicUrl, timeZone } = readConfig({})
  expect({ openai, relay, apiKey, publicUrl }).toEqual({})
  expect(timeZone).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone)
})

test('an empty value counts as not set, and white space around a value is dropped', () => {
  expect(readConfig({ PORT: '', HOST: '  ', API_KEY: ' k-1\n' })).toMatchObject({
    port: 5643,
    host: '127.0.0.1',
    apiKey: 'k-1',
  })
})

test('every default can be read by its own kind, and no name is used twice', () => {
  const variables: Variable<unknown>[] = Object.values(VARIABLES)
  for (const variable of variables) {
    if (variable.default) expect(variable.kind.parse(variable.default), variable.name).toBeDefined()
  }
  const names = variables.flatMap(({ name, alias }) => (alias ? [name, alias] : name))

  expect(new Set(names).size).toBe(names.length)
})

test('the configuration cannot be changed, inside either', () => {
  const config = readConfig({ OPENAI_API_KEY: 'sk-1' })
  expect(
    Object.isFrozen(config) && Object.isFrozen(config.openai) && Object.isFrozen(config.openai?.apiKeys),
  ).toBe(true)
})

test.each<[Environment, object]>([
  [{ PUBLIC_URL: 'https://pictures.example/pictor/' }, { publicUrl: 'https://pictures.example/pictor' }],
  [{ BASE_URL: 'http://localhost:5643' }, { publicUrl: 'http://localhost:5643' }],
  [{ PUBLIC_URL: 'https://a.example', BASE_URL: 'https://b.example' }, { publicUrl: 'https://a.example' }],
  [{ TRUST_PROXY: 'yes' }, { trustProxy: true }],
  [{ TRUST_PROXY: 'loopback, 10.0.0.0/8,fd00::/8' }, { trustProxy: ['loopback', '10.0.0.0/8', 'fd00::/8'] }],
  [{ LOG_LEVEL: 'WARN' }, { logLevel: 'warn' }],
  [{ TZ: 'Asia/Shanghai' }, { timeZone: 'Asia/Shanghai' }],
  [{ TZ: ':/etc/localtime' }, { timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone }],
  [{ GENERATION_TIMEOUT: '30' }, { generationTimeout: 30_000 }],
  [{ DEFAULT_ASPECT_RATIO: '16:9' }, { defaultAspectRatio: '16:9' }],
  [
    { KEEPALIVE_JSON: '1', ALLOW_EXTERNAL_IMAGES: 'on' },
    { keepAliveJson: true, allowExternalImages: true },
  ],
  [{ PROXY_URL: 'http://me:pass@proxy:8080' }, { proxyUrl: 'http://me:pass@proxy:8080' }],
  [{ PROXY_URL: 'socks5://me:pass@proxy:1080' }, { proxyUrl: 'socks5://me:pass@proxy:1080' }],
  [{ PROXY_URL: 'socks5h://proxy' }, { proxyUrl: 'socks5h://proxy' }],
  [{}, { ssoFile: 'key.txt', grokUrl: 'wss://grok.com/ws/imagine/listen' }],
  [{ GROK_WS_URL: 'https://grok.example' }, { grokUrl: 'wss://grok.example/ws/imagine/listen' }],
  [{ GROK_WS_URL: 'ws://127.0.0.1:9/other?a=b' }, { grokUrl: 'ws://127.0.0.1:9/other?a=b' }],
  [{ AUTH: 'off', HOST: '127.0.0.9' }, { authentication: 'off' }],
  [
    { AUTH: 'off', HOST: '0.0.0.0', AUTH_OFF_PUBLIC: 'yes' },
    { authentication: 'off', host: '0.0.0.0' },
  ],
])('%o is read as %o', (environment, expected) => {
  expect(readConfig(environment)).toMatchObject(expected)
})

test.each<[Environment, object]>([
  [
    { ADMIN_USERNAME: ' Ada 王 ', ADMIN_PASSWORD: 'eight or more' },
    { admin: { username: 'Ada 王', password: 'eight or more' } },
  ],
  [
    { ADMIN_KEY: 'k'.repeat(16), API_KEY: 'other' },
    { adminKey: 'k'.repeat(16), apiKey: 'other' },
  ],
  [
    { UPSTREAM_MODE: 'Relay', RELAY_BASE_URL: 'https://r.example/v1' },
    { mode: 'relay', relayDisabled: false },
  ],
  [
    { UPSTREAM_MODE: 'direct', RELAY_ENABLED: 'false' },
    { mode: 'direct', relayDisabled: true },
  ],
  [{ PROVIDER_ORDER: 'relay, openai' }, { providerOrder: ['relay', 'openai'] }],
])('for the admin, %o is read as %o', (environment, expected) => {
  expect(readConfig(environment)).toMatchObject(expected)
})

test.each<[Environment, string]>([
  [{ ADMIN_USERNAME: 'admin' }, 'ADMIN_PASSWORD: is missing; expected with ADMIN_USERNAME: at least 8'],
  [{ ADMIN_PASSWORD: 'long enough' }, 'ADMIN_USERNAME: is missing; expected with ADMIN_PASSWORD: 3 to 64'],
  [{ ADMIN_USERNAME: 'ab', ADMIN_PASSWORD: 'long enough' }, 'ADMIN_USERNAME: "ab" cannot be used'],
  [{ ADMIN_USERNAME: 'admin', ADMIN_PASSWORD: 'short' }, 'ADMIN_PASSWORD: the given value (not shown)'],
  [{ ADMIN_KEY: 'too-short' }, 'ADMIN_KEY: the given value (not shown)'],
  [{ ADMIN_KEY: 'k'.repeat(16), API_KEY: 'k'.repeat(16) }, 'ADMIN_KEY: is the same as API_KEY'],
  [{ UPSTREAM_MODE: 'relay' }, 'UPSTREAM_MODE: "relay" cannot be used without a relay'],
  [
    { UPSTREAM_MODE: 'relay', RELAY_BASE_URL: 'https://r.example/v1', RELAY_ENABLED: 'no' },
    'UPSTREAM_MODE: "relay" cannot be used without a relay',
  ],
])('%o is refused', (environment, problem) => {
  const problems = problemsOf(environment)
  expect(problems).toEqual([expect.stringContaining(problem)])
  expect(problems.join()).not.toMatch(/short"|kkkk/)
})

test.each<[Environment, string]>([
  [{ DATABASE_URL: 'sqlite:./a.sqlite' }, 'sqlite:./a.sqlite'],
  [
    { DATABASE_URL: 'postgresql://u:p@db:5432/pictor?sslmode=require' },
    'postgres://u:p@db:5432/pictor?sslmode=require',
  ],
  [{ DATABASE_URL: 'mariadb://u:p@db/pictor' }, 'mysql://u:p@db/pictor'],
  [
    { SERVER_STORAGE_TYPE: 'pgsql', SERVER_STORAGE_URL: 'postgresql+asyncpg://u:p@db/x' },
    'postgres://u:p@db/x',
  ],
  [
    { SERVER_STORAGE_TYPE: 'local', SERVER_STORAGE_URL: 'mysql://u:p@db/x', DATA_DIR: '/srv' },
    'sqlite:/srv/pictor.sqlite',
  ],
  [{ DATABASE_URL: 'mysql://u:p@a/x', SERVER_STORAGE_URL: 'mysql://u:p@b/x' }, 'mysql://u:p@a/x'],
])('the database of %o is %s', (environment, expected) => {
  expect(readConfig(environment).databaseUrl).toBe(expected)
})

test.each<[Environment, object | undefined]>([
  [{ OPENAI_API_KEY: 'sk-1, sk-2' }, { baseUrl: 'https://api.openai.com/v1', apiKeys: ['sk-1', 'sk-2'] }],
  [{ OPENAI_BASE_URL: 'http://10.0.0.2:8000/v1/' }, { baseUrl: 'http://10.0.0.2:8000/v1', apiKeys: [] }],
  [{ OPENAI_API_KEY: '' }, undefined],
])('the upstream of %o is %o', (environment, expected) => {
  expect(readConfig(environment).openai).toEqual(expected)
})

test.each<[Environment, object | undefined]>([
  [
    { RELAY_BASE_URL: 'https://r.example/v1' },
    {
      baseUrl: 'https://r.example/v1',
      apiKeys: [],
      imageModel: 'grok-imagine-0.9',
      chatModel: 'grok-4-fast',
    },
  ],
  [
    {
      RELAY_ENABLED: 'true',
      RELAY_BASE_URL: 'https://r.example/v1',
      RELAY_API_KEY: 'r-1',
      RELAY_IMAGE_MODEL: 'm',
    },
    { baseUrl: 'https://r.example/v1', apiKeys: ['r-1'], imageModel: 'm', chatModel: 'grok-4-fast' },
  ],
  [{ RELAY_ENABLED: 'false', RELAY_BASE_URL: 'https://r.example/v1' }, undefined],
  [{ RELAY_API_KEY: 'r-1' }, undefined],
])('the relay of %o is %o', (environment, expected) => {
  expect(readConfig(environment).relay).toEqual(expected)
})

test.each<[string, string]>([
  ['PORT', 'banana'],
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '80.5'],
  ['HOST', 'http://localhost'],
  ['PUBLIC_URL', 'pictures.example'],
  ['BASE_URL', 'ftp://pictures.example'],
  ['PUBLIC_URL', 'https://a.example/?x=1'],
  ['TZ', 'Mars/Olympus'],
  ['LOG_LEVEL', 'loud'],
  ['AUTH', 'maybe'],
  ['TRUST_PROXY', '1'],
  ['TRUST_PROXY', '10.0.0.0/33'],
  ['TRUST_PROXY', '10.0.0.0/'],
  ['WORKERS', '0'],
  ['GENERATION_TIMEOUT', '0'],
  ['IMAGES_DEFAULT_FORMAT', 'base64'],
  ['DEFAULT_ASPECT_RATIO', '7:5'],
  ['SERVER_STORAGE_TYPE', 'redis'],
  ['GATEWAY_MODEL', 'two words'],
  ['GROK_WS_URL', 'ftp://grok.com'],
  ['GROK_WS_URL', 'wss://grok.com/#x'],
])('%s=%s is refused by name, with what was given and what was expected', (name, given) => {
  const [problem, ...others] = problemsOf({ [name]: given })
  expect(problem).toMatch(new RegExp(`^${name}: ".+" cannot be used; expected .+`))
  expect(problem).toContain(JSON.stringify(given))
  expect(others).toEqual([])
})

test.each<[string, string]>([
  ['API_KEY', 'käse wurst'],
  ['SECRET_KEY', 'short-secret'],
  ['WEBHOOK_SECRET', 'tiny'],
  ['OPENAI_API_KEY', 'sk 1'],
  ['RELAY_API_KEY', 'r 1'],
  ['DATABASE_URL', 'oracle://u:hunter2@db/x'],
  ['SERVER_STORAGE_URL', 'postgres://u:hunter2@db'],
  ['PROXY_URL', 'socks4://u:hunter2@proxy'],
  ['PROXY_URL', 'socks5://u:hunter2@'],
  ['PROXY_URL', 'socks5://u:hunter2@proxy/path'],
])('a wrong %s is named, but not shown', (name, given) => {
  const message = problemsOf({ [name]: given }).join('\n')
  expect(message).toContain(`${name}: the given value (not shown) cannot be used; expected `)
  expect(message).not.toContain(given)
  expect(message).not.toContain('hunter2')
})

test('all wrong values are named together', () => {
  const problems = problemsOf({
    PORT: 'banana',
    TZ: 'nowhere',
    AUTH: 'off',
    HOST: '0.0.0.0',
    RELAY_ENABLED: 'true',
    SERVER_STORAGE_TYPE: 'mysql',
  })
  expect(problems.map((problem) => problem.split(':')[0])).toEqual([
    'PORT',
    'TZ',
    'AUTH',
    'RELAY_BASE_URL',
    'SERVER_STORAGE_URL',
  ])
  expect(() => readConfig({ PORT: 'banana', TZ: 'nowhere' })).toThrow(
    /^2 settings are wrong, .*\n {2}PORT: .*\n {2}TZ: /,
  )
})

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
  }
  throw new Error('expected a ConfigError')
}

test.each([
  [
    { GEMINI_API_KEY: 'a, b' },
    { baseUrl: 'https://generativelanguage.googleapis.com/v1beta', apiKeys: ['a', 'b'] },
  ],
  [{ GEMINI_BASE_URL: 'https://relay.example/' }, { baseUrl: 'https://relay.example', apiKeys: [] }],
  [{}, undefined],
])('Gemini with %o', (environment, expected) => {
  expect(readConfig(environment).gemini).toEqual(expected)
  expect(readConfig(environment).allowPrivateUpstreams).toBe(false)
})

test('a bucket is named by the S3 or the R2 variables, and half of them is an error', () => {
  const r2 = { R2_ACCOUNT_ID: 'acc', R2_ACCESS_KEY_ID: 'i', R2_SECRET_ACCESS_KEY: 's', R2_BUCKET: 'b' }
  expect(readConfig(r2).objects).toEqual({
    endpoint: 'https://acc.r2.cloudflarestorage.com',
    bucket: 'b',
    region: 'auto',
    accessKeyId: 'i',
    secretAccessKey: 's',
    prefix: '',
    pathStyle: true,
  })
  const s3 = { S3_BUCKET: 'b', S3_ACCESS_KEY_ID: 'i', S3_SECRET_ACCESS_KEY: 's' }
  expect(readConfig({ ...s3, S3_REGION: 'eu-west-1', S3_PREFIX: '/pictor' }).objects).toMatchObject({
    endpoint: undefined,
    region: 'eu-west-1',
    prefix: 'pictor/',
    pathStyle: false,
  })
  expect(readConfig({}).objects).toBeUndefined()
  const problemsOf = (environment: Environment) => {
    try {
      readConfig(environment)
    } catch (error) {
      if (error instanceof ConfigError) return error.problems.map((problem) => problem.split(':')[0])
    }
    return []
  }
  expect(problemsOf({ S3_BUCKET: 'b', S3_ENDPOINT: 'http://127.0.0.1:9000' })).toEqual([
    'S3_ACCESS_KEY_ID',
    'S3_SECRET_ACCESS_KEY',
  ])
  expect(problemsOf({ R2_BUCKET: 'b' })).toEqual([
    'R2_ACCOUNT_ID',
    'R2_ACCESS_KEY_ID',
    'R2_SECRET_ACCESS_KEY',
  ])
  expect(problemsOf(s3)).toEqual(['S3_ENDPOINT'])
  expect(problemsOf({ ...s3, ...r2 })).toEqual(['R2_BUCKET'])
  expect(problemsOf({ ...r2, S3_PREFIX: '../up' })).toEqual(['S3_PREFIX'])
})
