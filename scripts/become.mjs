import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { root } from './setup.mjs'

const leaveWithParent = new URL('leave-with-parent.mjs', import.meta.url)
const watching = ['--import', leaveWithParent.href]

/**
 * Turns this process into a Node that runs the given arguments. Where that is not possible (before Node 22.15, on
 * Windows), a child stands in for it: it gets our terminal and our signals, and we end the way it ends.
 * A signal to npm ends only the shell between npm and us, so under npm we watch that shell and go when it goes.
 */
export async function become(node, args) {
  process.chdir(root)
  // Types taken away once and code compiled once are kept for the next start.
  process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'node')
  const startedByNpm = process.env.npm_lifecycle_event !== undefined
  if (process.execve && process.platform !== 'win32') {
    // Warns that it is experimental, but by then nobody is left to print it.
    process.execve(node, [node, ...(startedByNpm ? watching : []), ...args], process.env)
  }
  if (startedByNpm) await import(leaveWithParent.href)
  standIn(spawn(node, [...watching, ...args], { stdio: 'inherit' }))
}

function standIn(child) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => pass(child, signal))
  child.on('error', (error) => {
    console.error(`The server cannot be started: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

/** A terminal sends Ctrl-C to the child by itself, and twice would mean "at once". */
function pass(child, signal) {
  if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
}
