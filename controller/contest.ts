// Row 8 of design §3: another program rewrites a Service's status again and again. Ours is written back, less and less
// often, and the condition names the other; it never becomes a fight.
import { type Ip, formatIp } from '../src/core/address/index.ts'
import { type KubeObjectLike, listAt, objectAt, stringAt } from '../src/core/model/index.ts'
import type { Clock } from '../src/io/process/clock.ts'

/** So many writes of the same address are put down to chance: two controllers that meet once. */
const byChance = 3
const firstWaitMs = 5_000
const longestWaitMs = 600_000
/** Peace for so long ends the contest. */
const overMs = 1_800_000

export interface Contest {
  /** Milliseconds until `ingress` may be written (again). */
  waitMs(key: string, ingress: readonly Ip[]): number
  /** It was written. */
  wrote(key: string, ingress: readonly Ip[]): void
  isContested(key: string): boolean
  forget(key: string): void
}

export function openContest(clock: Clock): Contest {
  const entries = new Map<string, { readonly wanted: string; readonly writes: number; readonly lastMs: number }>()
  const entryOf = (key: string) => {
    const entry = entries.get(key)
    if (entry !== undefined && clock.nowMs() - entry.lastMs > overMs) entries.delete(key)
    return entries.get(key)
  }
  return {
    waitMs(key, ingress) {
      const entry = entryOf(key)
      if (entry === undefined || entry.wanted !== textOf(ingress) || entry.writes < byChance) return 0
      const waitMs = Math.min(firstWaitMs * 2 ** (entry.writes - byChance), longestWaitMs)
      return Math.max(0, entry.lastMs + waitMs - clock.nowMs())
    },
    wrote(key, ingress) {
      const wanted = textOf(ingress)
      const known = entryOf(key)
      const writes = known?.wanted === wanted ? known.writes + 1 : 1
      entries.set(key, { wanted, writes, lastMs: clock.nowMs() })
    },
    isContested: (key) => (entryOf(key)?.writes ?? 0) >= byChance,
    forget: (key) => void entries.delete(key),
  }
}

function textOf(ingress: readonly Ip[]): string {
  return ingress.map(formatIp).join()
}

/** Who else wrote `status.loadBalancer`, the latest one, from managedFields; undefined: nobody. */
export function otherWriter(object: KubeObjectLike, self: string): string | undefined {
  const others = listAt(object.metadata, 'managedFields')
    .filter((entry) => 'f:loadBalancer' in objectAt(entry, 'fieldsV1', 'f:status'))
    .map((entry) => ({ manager: stringAt(entry, 'manager') ?? '', time: stringAt(entry, 'time') ?? '' }))
    .filter(({ manager }) => manager !== '' && manager !== self)
  return others.toSorted((a, b) => (a.time < b.time ? 1 : -1))[0]?.manager
}
