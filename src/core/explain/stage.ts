// An explanation: stages from the request to the traffic, each with what was found, up to the first that fails.
import type { ReasonCode } from '../model/index.ts'
import type { Unread } from './cluster.ts'

export const stageNames = [
  'request',
  'pool',
  'record',
  'status',
  'endpoints',
  'nodes',
  'sessions',
  'routes',
  'hosts',
] as const

export type StageName = (typeof stageNames)[number]

export type Stage = Finding<StageName>

export interface Finding<Name extends string> {
  readonly name: Name
  /** `warn`: it works, and something about it does not; `unknown`: what it rests on could not be read. */
  readonly state: 'ok' | 'warn' | 'fail' | 'unknown'
  /** One sentence. */
  readonly says: string
  /** Lines below it. */
  readonly details: readonly string[]
  readonly reason?: ReasonCode
}

/** `impaired`: it works, with a warning; `unknown`: what would tell could not be read. */
export type Verdict = 'works' | 'impaired' | 'unknown' | 'broken' | 'notOurs'

export interface Explanation {
  readonly subject: string
  readonly verdict: Verdict
  readonly headline: string
  readonly stages: readonly Stage[]
  /** Of the stage that fails, or else of the first that warns. */
  readonly reason?: ReasonCode
  readonly message?: string
  /** What to do, a line each. */
  readonly remedies: readonly string[]
  readonly unread: readonly Unread[]
}

export function ok<Name extends string>(name: Name, says: string, details: readonly string[] = []): Finding<Name> {
  return { name, state: 'ok', says, details }
}

export function fail<Name extends string>(
  name: Name,
  reason: ReasonCode,
  says: string,
  details: readonly string[] = [],
): Finding<Name> {
  return { name, state: 'fail', says, details, reason }
}

export function warn<Name extends string>(
  name: Name,
  reason: ReasonCode,
  says: string,
  details: readonly string[] = [],
): Finding<Name> {
  return { name, state: 'warn', says, details, reason }
}

export function unknown<Name extends string>(name: Name, says: string): Finding<Name> {
  return { name, state: 'unknown', says, details: [] }
}

/** `a`, `a and b`, `a, b and 7 more`. */
export function listed(items: readonly string[], most = 6): string {
  const shown = items.length > most ? items.slice(0, most - 1) : items
  const rest = items.length - shown.length
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
