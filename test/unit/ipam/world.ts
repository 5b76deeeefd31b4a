// Objects as the API server has them, short to write: what a test does not name is what a plain object has.
import { type Ip, parseIp } from '../../../src/core/address/index.ts'
import { type Pools, TakenIndex } from '../../../src/core/ipam/index.ts'
import {
  type Allocation,
  type Eip,
  type Holder,
  type Service,
  allocationName,
  readEip,
  readService,
} from '../../../src/core/model/index.ts'

export function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (parsed === undefined) throw new Error(`${text} is no IP address`)
  return parsed
}

export function eip(name: string, spec: Record<string, unknown>, annotations: Record<string, string> = {}): Eip {
  return readEip({
    metadata: { name, uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z', annotations },
    spec,
  })
}

export const asDefault = { 'eip.openelb.kubesphere.io/is-default-eip': 'true' }
export const optIn = { 'lb.kubesphere.io/v1alpha1': 'openelb' }

export interface ServiceOptions {
  readonly annotations?: Record<string, string>
  readonly labels?: Record<string, string>
  readonly spec?: Record<string, unknown>
  readonly ingress?: readonly string[]
}

/** `key` is `namespace/name`. */
export function service(key: string, options: ServiceOptions = {}): Service {
  const [namespace = '', name = ''] = key.split('/')
  return readService({
    metadata: {
      namespace,
      name,
      uid: `uid-${key}`,
      labels: options.labels ?? {},
      annotations: options.annotations ?? optIn,
    },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...options.spec },
    status: { loadBalancer: { ingress: (options.ingress ?? []).map((address) => ({ ip: address })) } },
  })
}

export function holder(key: string, claim = `claim-${key}`, more: Partial<Holder> = {}): Holder {
  const [namespace = '', name = ''] = key.split('/')
  return {
    namespace,
    name,
    generateName: '',
    claim,
    ports: [{ protocol: 'TCP', port: 80 }],
    asked: { pool: undefined, address: undefined, loadBalancerIP: undefined },
    ...more,
  }
}

export function record(address: string, pool: string, ...holders: readonly Holder[]): Allocation {
  const at = ip(address)
  return {
    namespace: '',
    name: allocationName(at),
    uid: `uid-${address}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    deleting: false,
    labels: {},
    annotations: {},
    finalizers: [],
    address: at,
    eip: pool,
    protocol: 'bgp',
    holders,
    retainedUntil: undefined,
  }
}

export function pools(eips: readonly Eip[], more: Partial<Pools> = {}): Pools {
  return {
    eips: new Map(eips.map((each) => [each.name, each])),
    namespaces: new Map(),
    primaryFamily: 4,
    reserved: () => undefined,
    ...more,
  }
}

/** For plans in which no Eip was force-deleted and nothing is kept. */
export const nothingKept = { forceDeleted: () => false, keptForMs: () => undefined }

export function taken(...records: readonly Allocation[]): TakenIndex {
  const index = new TakenIndex()
  for (const each of records) index.put(each)
  return index
}
