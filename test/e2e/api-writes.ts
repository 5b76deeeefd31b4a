// What the API server counts of itself.
import type { Lab } from '../lab/index.ts'
import { kubectl } from './claim.ts'

const written: ReadonlySet<string> = new Set(['services', 'eipallocations'])
const writing: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE'])

export interface Writes {
  /** Stored by the API server. */
  readonly done: number
  /** Those stored, by what they were: `PATCH services/status`. */
  readonly byKind: ReadonlyMap<string, number>
  /** Refused: a claim that found its address taken, a patch that came too late. */
  readonly refused: number
}

/** Writes on Services and EipAllocations since the API server began, the user's own included; dry runs are not. */
export async function countWrites(lab: Lab): Promise<Writes> {
  let done = 0
  let refused = 0
  const byKind = new Map<string, number>()
  for (const [, labels = '', value] of (await metricsOf(lab)).matchAll(/^apiserver_request_total\{(.*)\} (\d+)$/gm)) {
    const label = (name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(labels)?.[1] ?? ''
    const [verb, resource, subresource] = [label('verb'), label('resource'), label('subresource')]
    if (!written.has(resource) || !writing.has(verb) || label('dry_run') !== '') continue
    if (!label('code').startsWith('2')) {
      refused += Number(value)
      continue
    }
    done += Number(value)
    const kind = `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`
    byKind.set(kind, (byKind.get(kind) ?? 0) + Number(value))
  }
  return { done, byKind, refused }
}

/** What was written between two counts, for a message. */
export function writesBetween(before: Writes, after: Writes): string {
  return [...after.byKind].map(([kind, count]) => `${count - (before.byKind.get(kind) ?? 0)} ${kind}`).join(', ')
}

/** Seconds of CPU time that the API server has used. */
export async function apiServerCpuSeconds(lab: Lab): Promise<number> {
  const [, value] = /^process_cpu_seconds_total ([\d.e+]+)$/m.exec(await metricsOf(lab)) ?? []
  if (value === undefined) throw new Error('the API server does not say how much CPU time it has used')
  return Number(value)
}

async function metricsOf(lab: Lab): Promise<string> {
  const { ok, out, said } = await kubectl(lab, ['get', '--raw', '/metrics'])
  if (!ok) throw new Error(`the metrics of the API server cannot be read: ${said}`)
  return out
}
