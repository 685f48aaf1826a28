import { setTimeout as sleep } from 'node:timers/promises'
import { createApp } from './app.ts'
import { createLog, terminal } from './base/log.ts'
import { ConfigError, readConfig } from './config.ts'
import { welcome } from './welcome.ts'

/** How long requests under way may take to end when the server stops, in ms. */
const FAREWELL = 20_000

async function main(): Promise<void> {
  const config = readConfig()
  const log = createLog(config.logLevel, process.stdout.isTTY ? await terminal() : undefined)
  const app = await createApp(config, log)
  const address = await app.start()
  const words = await welcome(config, app.parts, config.publicUrl ?? address)

  let stoppedAt: number | undefined
  const stop = () => {
    // One Ctrl-C may arrive twice, from the terminal and from npm; a second one by intent comes later.
    if (stoppedAt !== undefined && performance.now() - stoppedAt > 1000) process.exit(1)
    if (stoppedAt !== undefined) return
    stoppedAt = performance.now()
    void Promise.race([app.close(), sleep(FAREWELL, undefined, { ref: false })]).then(() => process.exit(0))
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  process.stdout.write(words)
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE')
    return `Port ${port} is in use. Stop what listens there, or set PORT to another one.`
  if (code === 'EACCES') return `Not allowed: ${message}`
  return error instanceof Error ? (error.stack ?? message) : String(error)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
}
