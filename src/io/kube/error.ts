// What went wrong, as a value: HTTP statuses and the API server's Status objects become a KubeError here and nowhere
// else (Kubernetes API conventions, "Response Status Kind").
import { listAt, numberAt, stringAt } from '../../core/model/field.ts'
import type { KubeError, KubeErrorCode } from './interface.ts'

export interface Refusal {
  /** `GET /api/v1/services`: without the query. */
  readonly request: string
  readonly status: number
  /** Raw `Retry-After` header. */
  readonly retryAfter?: string | undefined
  /** The body, when it was JSON: normally a Status object. */
  readonly body: unknown
  /** For a Retry-After that is a date. */
  readonly wallMs: number
}

export function readRefusal({ request, status, retryAfter, body, wallMs }: Refusal): KubeError {
  const reason = stringAt(body, 'reason')
  const said = stringAt(body, 'message') ?? 'no further explanation'
  const seconds = numberAt(body, 'details', 'retryAfterSeconds')
  return {
    code: codeOf(status, reason, body),
    message: `${request}: ${said} (${[status, reason].filter((part) => part !== undefined).join(' ')})`,
    status,
    reason,
    retryAfterMs: readRetryAfter(retryAfter, wallMs) ?? (seconds === undefined ? undefined : seconds * 1000),
  }
}

/** The object of an ERROR event in a watch: a Status with its code inside. */
export function readErrorEvent(request: string, object: unknown, wallMs: number): KubeError {
  return readRefusal({ request, status: numberAt(object, 'code') ?? 500, body: object, wallMs })
}

export function kubeError(code: KubeErrorCode, request: string, cause: string): KubeError {
  return { code, message: `${request}: ${cause}` }
}

function codeOf(status: number, reason: string | undefined, body: unknown): KubeErrorCode {
  if (reason === 'Expired' || reason === 'Gone' || isVersionTooLarge(body)) return 'Gone'
  switch (status) {
    case 401:
      return 'Unauthorized'
    case 403:
      return 'Forbidden'
    case 404:
      return 'NotFound'
    case 408:
    case 504:
      return 'Timeout'
    case 409:
      return reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict'
    case 410:
      return 'Gone'
    case 429:
      return 'TooManyRequests'
    default:
      return status >= 400 && status < 500 ? 'Invalid' : 'Server'
  }
}

// A resourceVersion from the future: etcd was restored from a backup. As with one that is too old, only a list helps.
function isVersionTooLarge(body: unknown): boolean {
  return listAt(body, 'details', 'causes').some((cause) => stringAt(cause, 'reason') === 'ResourceVersionTooLarge')
}

/** RFC 9110 §10.2.3: seconds or a date. */
function readRetryAfter(text: string | undefined, wallMs: number): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1000
  const untilMs = Date.parse(text)
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs - wallMs)
}
