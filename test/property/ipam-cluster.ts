// The API server as the life of addresses sees it: Services and records with their versions, names that are locks,
// deletions and patches that rest on a version. What is stored is never changed, only replaced, so that an object that
// somebody holds is the version he read.
import { type Operation, applyPatch } from 'rfc6902'

import { type Ip, formatIp } from '../../src/core/address/index.ts'
import { type Draft, type HolderService, type Pools, TakenIndex } from '../../src/core/ipam/index.ts'
import { type Allocation, type Eip, type Holder, type Service, readService } from '../../src/core/model/index.ts'
import { pools, record } from '../unit/ipam/world.ts'

export interface StoredService {
  metadata: {
    namespace: string
    name: string
    uid: string
    resourceVersion?: string
    annotations?: Record<string, string>
    labels?: Record<string, string>
  }
  spec: Record<string, unknown>
  status: { loadBalancer: { ingress?: { ip: string }[] }; conditions?: unknown[] }
}

export class Cluster {
  readonly services = new Map<string, StoredService>()
  /** The records that are stored. */
  readonly taken = new TakenIndex()
  /** Eips that went with the annotation force-delete on them, as the controller saw it. */
  readonly forced = new Set<string>()
  nowMs = 0
  #pools: Pools
  #made = 0

  constructor(eips: readonly Eip[]) {
    this.#pools = pools(eips)
  }

  get pools(): Pools {
    return this.#pools
  }

  changePools(eips: readonly Eip[], byForce: boolean): void {
    for (const name of this.#pools.eips.keys()) {
      if (byForce && !eips.some((eip) => eip.name === name)) this.forced.add(name)
    }
    for (const { name } of eips) this.forced.delete(name)
    this.#pools = pools(eips)
  }

  /** A number that nobody has had. */
  next(): number {
    return (this.#made += 1)
  }

  service(key: string): Service | undefined {
    const stored = this.services.get(key)
    return stored === undefined ? undefined : readService(stored as never)
  }

  readonly findService: HolderService = (namespace, name) => this.service(`${namespace}/${name}`)

  /** False: it exists already. */
  store(draft: StoredService): boolean {
    const { namespace, name } = draft.metadata
    if (this.services.has(`${namespace}/${name}`)) return false
    const { ipFamilies, ipFamilyPolicy } = draft.spec
    // As the API server fills them in, in a cluster of both families.
    const families = ipFamilies ?? (ipFamilyPolicy === undefined ? ['IPv4'] : ['IPv4', 'IPv6'])
    const stored = structuredClone(draft)
    stored.metadata.uid = `uid-${this.next()}`
    stored.spec['ipFamilies'] = families
    this.#put(stored)
    return true
  }

  /** The Service as it would be after the change; undefined: there is none. */
  edited(key: string, change: (stored: StoredService) => void): StoredService | undefined {
    const stored = structuredClone(this.services.get(key))
    if (stored !== undefined) change(stored)
    return stored
  }

  replace(stored: StoredService): void {
    this.#put(stored)
  }

  /** False: the Service is gone, is another, or (with `version`) has changed since. */
  patchService(read: Service, patch: readonly unknown[], version: boolean): boolean {
    const stored = structuredClone(this.services.get(`${read.namespace}/${read.name}`))
    if (stored?.metadata.uid !== read.uid) return false
    if (version && stored.metadata.resourceVersion !== read.resourceVersion) return false
    patchObject(stored, patch)
    this.#put(stored)
    return true
  }

  writeStatus(read: Service, ingress: readonly Ip[] | undefined, conditions: readonly unknown[]): boolean {
    const stored = structuredClone(this.services.get(`${read.namespace}/${read.name}`))
    if (stored?.metadata.uid !== read.uid) return false
    if (ingress !== undefined) stored.status.loadBalancer = { ingress: ingress.map((ip) => ({ ip: formatIp(ip) })) }
    stored.status.conditions = [...conditions]
    this.#put(stored)
    return true
  }

  #put(stored: StoredService): void {
    stored.metadata.resourceVersion = String(this.next())
    this.services.set(`${stored.metadata.namespace}/${stored.metadata.name}`, stored)
  }

  /** The record made, or the one that has the name already. */
  createRecord(
    { address, eip, protocol }: Draft,
    holder: Holder,
  ): { readonly made: boolean; readonly record: Allocation } {
    const known = this.taken.at(address)
    if (known !== undefined) return { made: false, record: known }
    const made = this.next()
    const fresh = {
      ...record(formatIp(address), eip, holder),
      protocol,
      uid: `uid-${made}`,
      resourceVersion: String(made),
    }
    this.taken.put(fresh)
    return { made: true, record: fresh }
  }

  /** False: it has changed since `read`, or is gone. */
  changeRecord(read: Allocation, change: Partial<Allocation>): boolean {
    if (!this.#isAsRead(read)) return false
    this.taken.put({ ...read, ...change, resourceVersion: String(this.next()) })
    return true
  }

  /** False: it has changed since `read`. */
  deleteRecord(read: Allocation): boolean {
    const current = this.taken.get(read.name)
    if (current === undefined) return true
    if (!this.#isAsRead(read)) return false
    this.taken.remove(read.name)
    return true
  }

  #isAsRead({ name, uid, resourceVersion }: Allocation): boolean {
    const current = this.taken.get(name)
    return current?.uid === uid && current.resourceVersion === resourceVersion
  }

  records(): readonly Allocation[] {
    const eips = new Set([...this.#pools.eips.keys(), ...this.#everNamed])
    return [...eips].flatMap((eip) => [...this.taken.ofEip(eip)])
  }

  /** Names of all Eips that a life knows, so that records of those that are gone are found. */
  readonly #everNamed = new Set<string>()
  nameEips(names: Iterable<string>): void {
    for (const name of names) this.#everNamed.add(name)
  }
}

export function patchObject(stored: StoredService, patch: readonly unknown[]): void {
  const problem = applyPatch(stored, [...patch] as Operation[]).find((one) => one !== null)
  if (problem) throw new Error(`a patch does not apply: ${problem.message} ${JSON.stringify(patch)}`)
}
