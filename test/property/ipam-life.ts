// A cluster in memory for the life of addresses: Services as the API server stores them, records, pools. Admission and
// plans are carried out as the programs do, without their clocks: what cools has cooled, what is held too long is old.
import { type Operation, applyPatch } from 'rfc6902'

import { type Ip, formatIp } from '../../src/core/address/index.ts'
import { decideAdmission, judgeServiceUpdate } from '../../src/core/admission/index.ts'
import {
  type Draft,
  type HolderService,
  type Pools,
  type ServicePlan,
  type Step,
  TakenIndex,
  planService,
} from '../../src/core/ipam/index.ts'
import {
  type Allocation,
  type Eip,
  type Holder,
  type Service,
  claimAnnotation,
  readService,
} from '../../src/core/model/index.ts'
import { nothingKept, pools, record } from '../unit/ipam/world.ts'

export interface StoredService {
  metadata: {
    namespace: string
    name: string
    uid: string
    annotations?: Record<string, string>
    labels?: Record<string, string>
  }
  spec: Record<string, unknown>
  status: { loadBalancer: { ingress?: { ip: string }[] }; conditions?: unknown[] }
}

export class Cluster {
  readonly services = new Map<string, StoredService>()
  readonly taken = new TakenIndex()
  /** Writes of the plans, counted. */
  writes = 0
  #pools: Pools
  #made = 0

  constructor(eips: readonly Eip[]) {
    this.#pools = pools(eips)
  }

  get pools(): Pools {
    return this.#pools
  }

  changePools(eips: readonly Eip[]): void {
    this.#pools = pools(eips)
  }

  keys(): readonly string[] {
    return [...this.services.keys()]
  }

  service(key: string): Service | undefined {
    const stored = this.services.get(key)
    return stored === undefined ? undefined : readService(stored as never)
  }

  /** With the webhook or without it. False: it was refused, or exists already. */
  create(key: string, annotations: Record<string, string>, spec: Record<string, unknown>, webhook: boolean): boolean {
    const [namespace = '', name = ''] = key.split('/')
    const stored: StoredService = {
      metadata: { namespace, name, uid: '', annotations: { ...annotations } },
      spec: { type: 'LoadBalancer', ...spec },
      status: { loadBalancer: {} },
    }
    if (webhook && !this.#admit(stored)) return false
    if (this.services.has(key)) return false
    this.#made += 1
    const ipFamilies = spec['ipFamilies'] ?? (spec['ipFamilyPolicy'] === undefined ? ['IPv4'] : ['IPv4', 'IPv6'])
    this.services.set(key, {
      ...stored,
      metadata: { ...stored.metadata, uid: `uid-${this.#made}` },
      spec: { ...stored.spec, ipFamilies },
    })
    return true
  }

  /** False: there is none, or the webhook refused. */
  edit(key: string, change: (stored: StoredService) => void, webhook: boolean): boolean {
    const stored = this.services.get(key)
    if (stored === undefined) return false
    const edited = structuredClone(stored)
    change(edited)
    if (webhook) {
      const judged = judgeServiceUpdate(
        readService(stored as never),
        readService(edited as never),
        this.#pools,
        this.taken,
      )
      if (judged.kind === 'refuse') return false
    }
    this.services.set(key, edited)
    return true
  }

  plan(key: string): ServicePlan {
    const service = this.service(key)
    const claim = service?.annotations[claimAnnotation]
    const named = this.taken.ofService(key)
    const claimed = claim === undefined ? [] : this.taken.ofClaim(claim)
    return planService({
      key,
      service,
      records: [...named, ...claimed.filter(({ name }) => !named.some((other) => other.name === name))],
      pools: this.#pools,
      taken: this.taken,
      findService: this.findService,
      start: 0.5,
      ageMs: () => Number.POSITIVE_INFINITY,
      wasBound: () => true,
      ...nothingKept,
    })
  }

  readonly findService: HolderService = (namespace, name) => this.service(`${namespace}/${name}`)

  /** Carries out plans until none has a step left. Undefined: quiet; else the key and the steps that never ended. */
  settle(): string | undefined {
    let busy: string[] = []
    for (let round = 0; round < 30; round++) {
      busy = []
      for (const key of new Set([...this.keys(), ...this.#namedKeys()])) {
        const { steps } = this.plan(key)
        if (steps.length > 0) busy.push(`${key}: ${steps.map(describe).join('; ')}`)
        this.#carryOut(key, steps)
      }
      if (busy.length === 0) return undefined
    }
    return busy.join('\n')
  }

  #admit(stored: StoredService): boolean {
    const service = readService(stored as never)
    const nonce = `nonce-${(this.#made += 1)}`
    const options = { start: 0.5, nonce, unavailable: 'wait' } as const
    const admission = decideAdmission({ service, dryRun: false }, this.#pools, this.taken, options)
    if (admission.kind === 'refuse') return false
    if (admission.kind === 'wait' || admission.kind === 'reuse') patchObject(stored, admission.patch)
    if (admission.kind === 'claim') {
      const got = this.#claim(admission.candidates, admission.holder)
      if (got !== undefined) patchObject(stored, admission.patch(got))
    }
    return true
  }

  #claim(candidates: Iterable<readonly Draft[]>, holder: Holder): readonly Draft[] | undefined {
    for (const drafts of candidates) {
      if (drafts.some(({ address }) => this.taken.at(address) !== undefined)) continue
      for (const draft of drafts) this.taken.put(recordOf(draft, holder))
      return drafts
    }
    return undefined
  }

  #carryOut(key: string, steps: readonly Step[]): void {
    for (const step of steps) {
      const stored = this.services.get(key)
      if (step.kind !== 'event') this.writes += 1
      if (step.kind === 'claim') this.#claim(step.candidates, step.holder)
      if (step.kind === 'bind') this.taken.put(withHolder(step.record, step.holder))
      if (step.kind === 'release') this.#release(step.record, key)
      if (step.kind === 'writeMetadata' && stored !== undefined) patchObject(stored, step.patch)
      if (step.kind === 'writeStatus' && stored !== undefined) {
        if (step.ingress !== undefined) stored.status.loadBalancer = { ingress: step.ingress.map(entryOf) }
        stored.status.conditions = [...step.conditions]
      }
    }
  }

  #release(released: Allocation, key: string): void {
    const current = this.taken.get(released.name)
    if (current === undefined) return
    const holders = current.holders.filter(({ namespace, name }) => `${namespace}/${name}` !== key)
    if (holders.length === 0) this.taken.remove(current.name)
    else this.taken.put({ ...current, holders })
  }

  #namedKeys(): readonly string[] {
    return [...this.#pools.eips.keys(), 'gone'].flatMap((eip) =>
      [...this.taken.ofEip(eip)].flatMap(({ holders }) => holders.map(({ namespace, name }) => `${namespace}/${name}`)),
    )
  }
}

function recordOf({ address, eip, protocol }: Draft, holder: Holder): Allocation {
  return { ...record(formatIp(address), eip, holder), protocol }
}

function withHolder(known: Allocation, holder: Holder): Allocation {
  const isSame = (other: Holder): boolean =>
    other.claim === holder.claim || (other.namespace === holder.namespace && other.name === holder.name)
  const at = known.holders.findIndex(isSame)
  return { ...known, holders: at < 0 ? [...known.holders, holder] : known.holders.with(at, holder) }
}

function patchObject(stored: StoredService, patch: readonly unknown[]): void {
  const problem = applyPatch(stored, [...patch] as Operation[]).find((one) => one !== null)
  if (problem) throw new Error(`a patch does not apply: ${problem.message} ${JSON.stringify(patch)}`)
}

function entryOf(ip: Ip): { ip: string } {
  return { ip: formatIp(ip) }
}

function describe(step: Step): string {
  if (step.kind === 'bind' || step.kind === 'release') return `${step.kind} ${formatIp(step.record.address)}`
  if (step.kind === 'writeStatus') {
    return `status ${step.ingress?.map(formatIp).join() ?? '='} ${step.conditions[0]?.reason ?? ''} ${step.conditions[0]?.message ?? ''}`
  }
  if (step.kind === 'writeMetadata') return `metadata ${JSON.stringify(step.patch)}`
  return step.kind === 'event' ? `event ${step.reason}` : step.kind
}
