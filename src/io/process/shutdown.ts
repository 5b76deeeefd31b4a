import type { Log } from '../telemetry/log.ts'
import { type Clock, systemClock } from './clock.ts'

export type ShutdownSignal = 'SIGTERM' | 'SIGINT'

export interface ShutdownOptions {
  /** The handler has this long; then the process ends with status 1. Below the Pod's terminationGracePeriodSeconds. */
  readonly deadlineMs: number
  readonly log: Log
  readonly clock?: Clock
  readonly exit?: (status: number) => void
  /** Where signals come from: the process, except in tests. */
  readonly signals?: Pick<NodeJS.EventEmitter, 'on' | 'off'>
}

/**
 * Runs `handler` at the first SIGTERM or SIGINT, once, and ends the process: status 0 when the handler is done, 1 when
 * it failed or the deadline passed. A second SIGINT (an impatient Ctrl-C) ends it at once; a second SIGTERM is ignored,
 * since some supervisors repeat it. Returns a function that takes the signal handlers away again.
 */
export function onShutdown(
  handler: (signal: ShutdownSignal) => void | Promise<void>,
  { deadlineMs, log, clock = systemClock, exit = (status) => process.exit(status), signals = process }: ShutdownOptions,
): () => void {
  let running = false
  const onSignal = (signal: ShutdownSignal): void => {
    if (running) {
      if (signal === 'SIGINT') exit(1)
      return
    }
    running = true
    log.info('shutting down', { signal, deadlineMs })
    const deadline = clock.after(deadlineMs, () => {
      log.error('shutdown took too long', { signal, deadlineMs })
      exit(1)
    })
    void finish(handler, signal, log).then((status) => {
      deadline.cancel()
      return exit(status)
    })
  }
  const onTerm = (): void => onSignal('SIGTERM')
  const onInt = (): void => onSignal('SIGINT')
  signals.on('SIGTERM', onTerm)
  signals.on('SIGINT', onInt)
  return () => {
    signals.off('SIGTERM', onTerm)
    signals.off('SIGINT', onInt)
  }
}

async function finish(
  handler: (signal: ShutdownSignal) => void | Promise<void>,
  signal: ShutdownSignal,
  log: Log,
): Promise<number> {
  try {
    await handler(signal)
    log.info('shut down', { signal })
    return 0
  } catch (error) {
    log.error('shutdown failed', { signal, error })
    return 1
  }
}
