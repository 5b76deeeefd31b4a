// What the API server counts of itself.
import type { Lab } from '../lab/index.ts'
import { kubectl } from './claim.ts'

export interface Writes {
  /** Stored by the API server. */
  readonly done: number
  /** Refused: a claim that found its address taken, a patch that came too late. */
  readonly refused: number
}

/** Writes on Services and EipAllocations since the API server began, the user's own included; dry runs are not. */
export async function countWrites(lab: Lab): Promise<Writes> {
  let done = 0
  let refused = 0
  for (const [, labels = '', value] of (await metricsOf(lab)).matchAll(/^apiserver_request_total\{(.*)\} (\d+)$/gm)) {
    const counts =
      /resource="(services|eipallocations)"/.test(labels) &&
      /verb="(POST|PUT|PATCH|APPLY|DELETE)"/.test(labels) &&
      /dry_run=""/.test(labels)
    if (!counts) continue
    if (/code="2/.test(labels)) done += Number(value)
    else refused += Number(value)
  }
  return { done, refused }
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
