// The controller: plans by what is stored, and carries plans out as controller/plan-steps.ts does, wholly or until it is
// killed, at once or late, when the world has changed meanwhile.
import { type Ip, formatIp } from '../../src/core/address/index.ts'
import { type ServicePlan, type Step, planService } from '../../src/core/ipam/index.ts'
import { type Allocation, type Holder, type Service, claimAnnotation } from '../../src/core/model/index.ts'
import type { Cluster } from './ipam-cluster.ts'
import { claimAt } from './ipam-replica.ts'

export interface Planned {
  readonly key: string
  readonly service: Service | undefined
  readonly steps: readonly Step[]
}

export class Controller {
  readonly #cluster: Cluster
  /** By uid of the record: when it was seen first, and the claims of it that a Service was seen with. */
  readonly #seen = new Map<string, { readonly atMs: number; readonly bound: Set<string> }>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** What it sees by its watches: to be called whenever something has changed. */
  look(): void {
    const { nowMs } = this.#cluster
    for (const record of this.#cluster.records()) {
      const seen = this.#seen.get(record.uid) ?? { atMs: nowMs, bound: new Set<string>() }
      this.#seen.set(record.uid, seen)
      for (const { namespace, name, claim } of record.holders) {
        const service = this.#cluster.service(`${namespace}/${name}`)
        if (service !== undefined && [service.annotations[claimAnnotation], service.uid].includes(claim))
          seen.bound.add(claim)
      }
    }
  }

  plan(key: string): ServicePlan {
    const { taken, pools, findService, forced, nowMs } = this.#cluster
    const service = this.#cluster.service(key)
    const claim = service?.annotations[claimAnnotation]
    const named = taken.ofService(key)
    const claimed = claim === undefined ? [] : taken.ofClaim(claim)
    const seenOf = (name: string) => this.#seen.get(taken.get(name)?.uid ?? '')
    return planService({
      key,
      service,
      records: [...named, ...claimed.filter(({ name }) => !named.some((other) => other.name === name))],
      pools,
      taken,
      findService,
      start: 0.5,
      ageMs: (name) => nowMs - (seenOf(name)?.atMs ?? nowMs),
      wasBound: (name, nonce) => seenOf(name)?.bound.has(nonce) === true,
      forceDeleted: (eip) => forced.has(eip),
      keptForMs: ({ retainedUntil }) => (retainedUntil === undefined ? undefined : Number(retainedUntil) - nowMs),
    })
  }

  /** Keys of all Services there are, and of those that records name. */
  keys(): readonly string[] {
    const named = this.#cluster
      .records()
      .flatMap(({ holders }) => holders.map(({ namespace, name }) => `${namespace}/${name}`))
    return [...new Set([...this.#cluster.services.keys(), ...named])]
  }

  decide(key: string): Planned {
    this.look()
    return { key, service: this.#cluster.service(key), steps: this.plan(key).steps }
  }

  /** Stops at the first write that the API server refuses, as the programs do, or after `most` steps: killed. */
  carryOut({ key, service, steps }: Planned, most = Number.POSITIVE_INFINITY): void {
    let left = most
    for (const step of steps) {
      left -= 1
      if (left < 0 || !this.#take(key, service, step)) return
      this.look()
    }
  }

  #take(key: string, service: Service | undefined, step: Step): boolean {
    const cluster = this.#cluster
    switch (step.kind) {
      case 'claim':
        claimAt(cluster, step)
        return true
      case 'bind':
        return cluster.changeRecord(step.record, {
          holders: withHolder(step.record, step.holder),
          retainedUntil: undefined,
          ...(step.home === undefined ? {} : { eip: step.home.name, protocol: step.home.protocol }),
        })
      case 'retain':
        return cluster.changeRecord(step.record, { retainedUntil: String(cluster.nowMs + step.forMs) })
      case 'release':
        return this.#release(step.record, key, service === undefined)
      case 'writeMetadata':
        return service === undefined || cluster.patchService(service, step.patch, true)
      case 'writeStatus':
        return service === undefined || cluster.writeStatus(service, step.ingress, step.conditions)
      case 'event':
        return true
    }
  }

  #release(record: Allocation, key: string, isGone: boolean): boolean {
    const cluster = this.#cluster
    const holders = record.holders.filter(({ namespace, name }) => `${namespace}/${name}` !== key)
    if (holders.length > 0) return cluster.changeRecord(record, { holders })
    const retainMs = (cluster.pools.eips.get(record.eip)?.retainSeconds ?? 0) * 1000
    if (isGone && retainMs > 0) {
      if (record.retainedUntil === undefined) {
        return cluster.changeRecord(record, { retainedUntil: String(cluster.nowMs + retainMs) })
      }
      if (Number(record.retainedUntil) > cluster.nowMs) return true
    }
    return cluster.deleteRecord(record)
  }

  /**
   * Carries out plans until none writes anything. Undefined: quiet; else what it went on writing. A record that is kept
   * for a Service that is gone has a step that waits, no write.
   */
  settle(): string | undefined {
    let busy: string[] = []
    for (let round = 0; round < 40; round++) {
      busy = []
      for (const key of this.keys()) {
        const before = this.#version()
        const planned = this.decide(key)
        this.carryOut(planned)
        if (this.#version() !== before) busy.push(`${key}: ${planned.steps.map(describe).join('; ')}`)
      }
      if (busy.length === 0) return undefined
    }
    return busy.join('\n')
  }

  // Every write takes a number.
  #version(): string {
    const { services, taken } = this.#cluster
    const versions = [...services.values()].map(({ metadata }) => metadata.resourceVersion)
    return [...versions, ...this.#cluster.records().map(({ resourceVersion }) => resourceVersion), taken.size].join()
  }
}

function withHolder(known: Allocation, holder: Holder): readonly Holder[] {
  const at = known.holders.findIndex(
    (other) => other.claim === holder.claim || (other.namespace === holder.namespace && other.name === holder.name),
  )
  return at < 0 ? [...known.holders, holder] : known.holders.with(at, holder)
}

export function describe(step: Step): string {
  const list = (ips: readonly Ip[] | undefined): string => ips?.map(formatIp).join() ?? '='
  switch (step.kind) {
    case 'bind':
    case 'release':
    case 'retain':
      return `${step.kind} ${formatIp(step.record.address)}`
    case 'writeStatus':
      return `status ${list(step.ingress)} ${step.conditions[0]?.reason ?? ''} ${step.conditions[0]?.message ?? ''}`
    case 'writeMetadata':
      return `metadata ${JSON.stringify(step.patch)}`
    case 'event':
      return `event ${step.reason}`
    case 'claim':
      return 'claim'
  }
}
