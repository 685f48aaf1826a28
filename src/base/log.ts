import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'

export type { Logger }

/**
 * The process log, JSON lines on stdout unless it is given another destination. Requests are logged by method, path and
 * status only, so that neither a secret nor a picture can get into it; what looks like a secret is cut all the same.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
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
  return destination ? pino(options, destination) : pino(options)
}

/** Log lines in words for people, for a terminal. Loaded only there. */
export async function terminal(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty')
  return pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss', ignore: 'reqId', sync: true })
}
