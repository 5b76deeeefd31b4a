import { pino, stdSerializers, stdTimeFunctions } from 'pino'

export type LogFields = Readonly<Record<string, unknown>>

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * One line of JSON per call. The message is constant text, what varies is a field. Nothing is redacted here: secrets
 * are never passed in. An Error belongs under `error`.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log whose lines all carry `fields` too. */
  child(fields: LogFields): Log
}

export interface LogOptions {
  readonly program: string
  readonly level: LogLevel
}

/** The log of a program, on standard output. */
export function openLog({ program, level }: LogOptions): Log {
  const destination = pino.destination({ fd: 1, sync: true })
  return wrap(
    pino(
      {
        level,
        base: { program },
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        // Errors that are values are plain fields already.
        serializers: { error: (error: unknown) => (error instanceof Error ? stdSerializers.err(error) : error) },
      },
      destination,
    ),
  )
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
}

interface Target {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  child(fields: LogFields): Target
}

function wrap(target: Target): Log {
  return {
    debug: (message, fields = {}) => target.debug(fields, message),
    info: (message, fields = {}) => target.info(fields, message),
    warn: (message, fields = {}) => target.warn(fields, message),
    error: (message, fields = {}) => target.error(fields, message),
    child: (fields) => wrap(target.child(fields)),
  }
}
