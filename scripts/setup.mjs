// What every command needs before it can run: the dependencies, and a Node that runs TypeScript.
// Plain JavaScript without dependencies, because it runs on a fresh clone with whatever Node is there (20 or newer).
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** The first Node that runs TypeScript as it is, and says nothing about it. */
const OLDEST_NODE = [24, 12]

/**
 * Arguments for every Node that we start. Node 24 still calls node:sqlite experimental; nobody who starts a
 * server can do anything about that.
 * The young generation is half of V8's: it never shrinks after the start, and 8 MiB are enough for what lives for one chunk.
 * The old one may grow a little before it is marked, or the network's buffers have all of it marked many times a second.
 */
export const nodeArguments = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=8',
  '--initial-old-space-size=96',
]

/** Reads `.env`, only where there is one: Node says so each time when there is not. */
export const settingsArguments = () => (existsSync(join(root, '.env')) ? ['--env-file=.env'] : [])

/**
 * Installs what is missing and returns the Node to run with. Says what is wrong and exits where that fails.
 * @returns {string} path of the executable
 */
export function setUp() {
  if (!isInstalled()) install()
  return chooseNode()
}

/** Runs a command to its end. @returns {Promise<{code: number, output: string}>} output is empty where stdio is inherited */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, ...options })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    child.on('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}\n` }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** Compares what npm last installed with the lock file, so that it does not matter who installed it. */
function isInstalled() {
  const wanted = readPackages('package-lock.json')
  const present = readPackages('node_modules/.package-lock.json')
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  )
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages
  } catch {
    return {}
  }
}

function install() {
  const first = !existsSync(join(root, 'node_modules'))
  console.log(first ? 'Installing dependencies (first start only)…' : 'Updating dependencies…')
  const [command, ...args] = [
    ...findNpm(),
    'ci',
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--loglevel=error',
  ]
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', shell: command === 'npm.cmd' })
  if (result.status === 0) return
  fail(`The dependencies could not be installed. npm says:\n${result.error ?? result.stdout + result.stderr}`)
}

/** The npm that started us, else the one on the path. */
function findNpm() {
  const npm = process.env.npm_execpath
  if (npm && basename(npm) === 'npm-cli.js') return [process.env.npm_node_execpath ?? process.execPath, npm]
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm']
}

function chooseNode() {
  if (isNewEnough(process.versions.node)) return process.execPath
  const executable = process.platform === 'win32' ? 'node.exe' : 'node'
  const brought = join(root, 'node_modules', 'node', 'bin', executable)
  if (existsSync(brought)) return brought
  fail(
    `Node ${OLDEST_NODE.join('.')} or newer is needed. This is ${process.version}, and npm did not bring a newer one ` +
      '(it does not where install scripts are turned off, or on a rare platform).\n' +
      'Install one from https://nodejs.org and try again.',
  )
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
}

/** Builds the console where there is one and its sources are newer than what was built from them. */
export async function buildConsole(node) {
  if (!existsSync(join(root, 'console'))) return
  if (newestChange('console', 'contract', 'package-lock.json') <= newestChange('dist/console')) return
  console.log('Building the console…')
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const { code, output } = await run(node, [vite, 'build', '--logLevel=warn'])
  if (code !== 0) fail(`The console could not be built:\n${output}`)
}

function newestChange(...paths) {
  const times = paths.map((path) => {
    const full = join(root, path)
    if (!existsSync(full)) return 0
    if (!statSync(full).isDirectory()) return statSync(full).mtimeMs
    return newestChange(...readdirSync(full).map((name) => join(path, name)))
  })
  return Math.max(0, ...times)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
