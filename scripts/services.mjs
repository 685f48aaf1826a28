// The services that the tests use: PostgreSQL, MariaDB, Redis, an S3 server and a browser. What runs already is used; else a private
// instance is started from the installed binaries; else, on Debian as root, the binaries are installed first.
// What cannot be had is an error that says how to get it, never a skipped test.
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import mysql from 'mysql2/promise'
import pg from 'pg'

const execute = promisify(execFile)

/** How long a service may take to answer after it was started, in ms. */
const START_TIMEOUT = 60_000

/**
 * `running`: where it is looked for. `probe`: fails unless the tests can work with it. `prepare` and `serve`: commands,
 * given a data folder and a port. `user`: who runs it where we are root, since root may not. `url`: where the private
 * instance answers.
 */
const SERVICES = [
  {
    name: 'PostgreSQL',
    variable: 'TEST_POSTGRES_URL',
    package: 'postgresql',
    user: 'postgres',
    // It would wait for its clients to leave on SIGTERM; on SIGINT it drops them.
    stopSignal: 'SIGINT',
    binaries: ['initdb', 'postgres'],
    running: () =>
      [userInfo().username, 'postgres'].map((user) => `postgres://${user}@127.0.0.1:5432/postgres`),
    probe: probePostgres,
    prepare: (folder) => [
      'initdb',
      '-D',
      folder,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--no-locale',
      '-N',
    ],
    serve: (folder, port) => [
      'postgres',
      ...['-D', folder, '-h', '127.0.0.1', '-p', port, '-F'],
      ...['unix_socket_directories=', 'max_connections=200', 'synchronous_commit=off'].flatMap((set) => [
        '-c',
        set,
      ]),
    ],
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  },
  {
    name: 'MariaDB',
    variable: 'TEST_MYSQL_URL',
    package: 'mariadb-server',
    user: 'mysql',
    binaries: ['mariadb-install-db', 'mariadbd'],
    running: () => ['mysql://root@127.0.0.1:3306/mysql'],
    probe: probeMysql,
    prepare: (folder) => [
      'mariadb-install-db',
      '--no-defaults',
      `--datadir=${folder}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ],
    serve: (folder, port) => [
      'mariadbd',
      '--no-defaults',
      `--datadir=${folder}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      '--max-connections=200',
      '--innodb-flush-log-at-trx-commit=0',
    ],
    url: (port) => `mysql://root@127.0.0.1:${port}/mysql`,
  },
  {
    name: 'Redis',
    variable: 'TEST_REDIS_URL',
    package: 'redis-server',
    binaries: ['redis-server'],
    running: () => ['redis://127.0.0.1:6379'],
    probe: probeRedis,
    serve: (folder, port) => [
      'redis-server',
      '--port',
      port,
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
    ],
    url: (port) => `redis://127.0.0.1:${port}`,
  },
  {
    // From npm, so it is there. Only a private one knows what the tests expect, so none is looked for.
    name: 'S3 server',
    variable: 'TEST_S3_URL',
    binaries: [],
    running: () => [],
    probe: probeHttp,
    serve: (folder, port) => [
      process.execPath,
      join(import.meta.dirname, 's3-server.mjs'),
      join(folder, 'objects'),
      port,
    ],
    url: (port) => `http://S3RVER:S3RVER@127.0.0.1:${port}/pictor`,
  },
]

/**
 * Brings all services up. `env` says where they are; `stop` ends those that were started here and no others.
 * With `PICTOR_TEST_IGNORE_RUNNING=1` nothing that runs already is used.
 */
export async function startServices() {
  const started = []
  const stop = async () => {
    await Promise.all(started.splice(0).map((instance) => instance.stop()))
  }
  try {
    const found = await Promise.all(SERVICES.map(findRunning))
    const missing = SERVICES.filter((_, index) => found[index] === undefined)
    await install(missing)
    const results = await Promise.allSettled(missing.map((service) => start(service, started)))
    const failed = results.find(({ status }) => status === 'rejected')
    if (failed) throw failed.reason
    const urls = SERVICES.map((service, index) => found[index] ?? results[missing.indexOf(service)].value)
    return { env: Object.fromEntries(SERVICES.map(({ variable }, index) => [variable, urls[index]])), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The path of a Chromium, which is installed where it is missing. */
export async function ensureChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const find = () => names.map((name) => findBinary(name)).find(Boolean)
  if (!find()) await aptInstall('Chromium', ['chromium', 'fonts-noto-cjk'])
  return find() ?? fail('Chromium was installed but is not on the PATH')
}

async function findRunning({ name, variable, running, probe }) {
  if (process.env.PICTOR_TEST_IGNORE_RUNNING === '1') return undefined
  const given = process.env[variable]
  if (given) {
    await probe(given).catch((error) =>
      fail(`${variable} is set, but that ${name} cannot be used: ${reason(error)}`),
    )
    return given
  }
  for (const url of running()) {
    if (
      await probe(url).then(
        () => true,
        () => false,
      )
    )
      return url
  }
  return undefined
}

async function install(services) {
  const missing = services.filter(({ binaries }) => !binaries.every(findBinary))
  if (missing.length === 0) return
  await aptInstall(
    missing.map(({ name }) => name).join(', '),
    missing.map((service) => service.package),
  )
  const still = missing.find(({ binaries }) => !binaries.every(findBinary))
  if (still) fail(`${still.name} was installed, but ${still.binaries.join(' and ')} cannot be found`)
}

async function aptInstall(names, packages) {
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (!existsSync('/etc/debian_version') || !isRoot() || !findBinary('apt-get')) {
    fail(
      `The tests need ${names}, which is neither running nor installed. On Debian or Ubuntu: sudo ${command}`,
    )
  }
  console.log(`installing ${names} …`)
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 64 * 1024 * 1024 }
  try {
    await execute('apt-get', ['update', '-qq'], options)
    await execute('apt-get', command.split(' ').slice(1), options)
  } catch (error) {
    fail(`${command} failed: ${error.stderr || reason(error)}`)
  }
}

/** Starts a private instance and returns its URL. It is in `started` as soon as there is something to stop. */
async function start(service, started) {
  const owner = service.user && isRoot() ? await idsOf(service.user) : {}
  const folder = mkdtempSync(join(tmpdir(), 'pictor-service-'))
  const instance = { stop: async () => rmSync(folder, { recursive: true, force: true }) }
  started.push(instance)
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const options = { cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }, ...owner }
  if (service.prepare) {
    const [command, ...args] = service.prepare(data)
    await execute(findBinary(command), args, options).catch((error) =>
      fail(`${service.name} could not be set up: ${error.stderr || reason(error)}`),
    )
  }
  const port = String(await freePort())
  const log = join(folder, 'log')
  const child = serve(service.serve(service.prepare ? data : folder, port), options, log)
  instance.stop = async () => {
    await end(child, service.stopSignal)
    rmSync(folder, { recursive: true, force: true })
  }
  await answers(service, child, service.url(port), log)
  return service.url(port)
}

function serve([command, ...args], options, log) {
  const output = openSync(log, 'a')
  const child = spawn(findBinary(command), args, { ...options, stdio: ['ignore', output, output] })
  closeSync(output)
  child.ended = new Promise((resolve) => {
    child.once('exit', resolve)
    child.once('error', resolve)
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.ended.then(() => process.off('exit', kill))
  return child
}

async function answers({ name, probe }, child, url, log) {
  const deadline = Date.now() + START_TIMEOUT
  let ended = false
  child.ended.then(() => {
    ended = true
  })
  for (;;) {
    const error = await probe(url).then(
      () => undefined,
      (error) => error,
    )
    if (!error) return
    if (ended || Date.now() > deadline) {
      fail(
        `${name} did not start (${reason(error)}). Its log ends with:\n${readFileSync(log, 'utf8').slice(-2000)}`,
      )
    }
    await pause(100)
  }
}

async function end(child, signal = 'SIGTERM') {
  child.kill(signal)
  await Promise.race([child.ended, pause(10_000, undefined, { ref: false })])
  child.kill('SIGKILL')
  await child.ended
}

async function probePostgres(url) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 })
  client.on('error', () => {})
  try {
    await client.connect()
    for (const statement of createAndDrop()) await client.query(statement)
  } finally {
    await client.end().catch(() => {})
  }
}

async function probeMysql(url) {
  const connection = await mysql.createConnection({ uri: url, connectTimeout: 3000 })
  try {
    for (const statement of createAndDrop()) await connection.query(statement)
  } finally {
    connection.destroy()
  }
}

/** Each test makes a database of its own, so that right is what counts. */
function createAndDrop() {
  const name = `pictor_probe_${randomBytes(6).toString('hex')}`
  return [`create database ${name}`, `drop database ${name}`]
}

async function probeHttp(url) {
  const response = await fetch(new URL('/', new URL(url).origin), { signal: AbortSignal.timeout(3000) })
  await response.body?.cancel()
}

function probeRedis(url) {
  const { hostname, port, username, password } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port || 6379), timeout: 3000 })
    const login = password ? `AUTH ${username ? `${username} ` : ''}${password}\r\n` : ''
    let answer = ''
    socket.on('connect', () => socket.write(`${login}PING\r\n`))
    socket.on('data', (data) => {
      answer += data
      if (answer.includes('+PONG')) resolve()
      else if (answer.includes('-')) reject(new Error(answer.trim()))
      else return
      socket.destroy()
    })
    socket.on('timeout', () => socket.destroy(new Error('no answer')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed without an answer')))
  })
}

/** Debian keeps PostgreSQL's binaries off the PATH, one folder for each version; the newest is taken. */
function findBinary(name) {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []
  const postgres = versions.sort((a, b) => b - a).map((version) => `/usr/lib/postgresql/${version}/bin`)
  if (isAbsolute(name)) return name
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', ...postgres]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function idsOf(user) {
  const id = async (option) => Number((await execute('id', [option, user])).stdout)
  try {
    return { uid: await id('-u'), gid: await id('-g') }
  } catch {
    return fail(`root may not run this service, and there is no user "${user}" to run it as`)
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

const isRoot = () => process.getuid?.() === 0

/** Node reports several refused addresses as one error with an empty message. */
const reason = (error) => error.errors?.map(reason).join(', ') ?? error.message

function fail(message) {
  throw new Error(message)
}
