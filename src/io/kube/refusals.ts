// What the API server forbids is said in the log: callers retry in silence, and a role that lacks a verb would be seen by
// what is missing only.
import type { Clock } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { Answer } from './interface.ts'

export interface Refusals {
  note(method: string, path: string, answer: Answer<unknown>): void
}

const sameRefusalMs = 60_000

/** A line a minute at most for each method and kind of object: `PATCH services/status`. */
export function openRefusals(clock: Clock, log: Log): Refusals {
  const toldMs = new Map<string, number>()
  return {
    note(method, path, answer) {
      if (answer.ok || answer.error.code !== 'Forbidden') return
      const request = `${method} ${kindIn(path)}`
      const nowMs = clock.nowMs()
      if (nowMs - (toldMs.get(request) ?? -sameRefusalMs) < sameRefusalMs) return
      toldMs.set(request, nowMs)
      log.warn('the API server forbids a request', { request, error: answer.error })
    },
  }
}

/** `services/status` of `/api/v1/namespaces/default/services/echo/status?a=b`. */
export function kindIn(path: string): string {
  const steps = (path.split('?')[0] ?? '').split('/').slice(1)
  const rest = steps.slice(steps[0] === 'api' ? 2 : 3)
  const [plural = '', , subresource] = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest
  return subresource === undefined ? plural : `${plural}/${subresource}`
}
