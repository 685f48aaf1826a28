import { type Logger, type LoggerOptions, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

/**
 * The process log on stdout: JSON lines, or words for people where stdout is a terminal. Requests are logged by method,
 * path and status only, so that neither a secret nor a picture can get into it; what looks like a secret is cut all the same.
 */
export function createLog(level: string, terminal: boolean): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    redact: {
      paths: [
        'authorization',
        'cookie',
        'secret',
        'apiKey',
        '*.authorization',
        '*.cookie',
        '*.secret',
        '*.apiKey',
      ],
      censor: '***',
    },
  }
  if (!terminal) return pino(options)
  return pino(options, pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss', ignore: 'reqId', sync: true }))
}
