// Why a Service has no address, or not the one it asks for: each a cluster with one thing wrong.
import type { Unread } from '../../../src/core/explain/index.ts'
import {
  type Json,
  type Objects,
  addressKey,
  condition,
  defaultKey,
  eip,
  named,
  optInKey,
  poolKey,
  record,
  service,
} from './cluster.ts'

export interface Case {
  /** Of the golden file. */
  readonly name: string
  /** Reason that must be given; undefined: it works. */
  readonly reason: string | undefined
  readonly change: (objects: Objects) => void
  /** Default: default/web. */
  readonly key?: string
  readonly unread?: readonly Unread[]
}

/** A new Service default/api without an address, asking for what `annotations` say; what the controller said of it. */
function asks(objects: Objects, annotations: Json, more: Json = {}): void {
  objects.services.push(service('api', undefined, { annotations, ...more }))
}

const api = { key: 'default/api' }
const web = (objects: Objects): Json => named(objects.services, 'web')
const pool = (objects: Objects): Json => named(objects.eips, 'pool')

export const addressCases: readonly Case[] = [
  { name: 'type-cluster-ip', reason: 'NotOurs', change: (o) => (web(o)['spec'].type = 'ClusterIP') },
  {
    ...api,
    name: 'class-of-another',
    reason: 'NotOurs',
    change: (o) => asks(o, {}, { spec: { loadBalancerClass: 'metallb.io/metallb' } }),
  },
  { ...api, name: 'annotation-says-no', reason: 'NotOurs', change: (o) => asks(o, { [optInKey]: 'none' }) },
  {
    ...api,
    name: 'no-annotation',
    reason: 'NotOurs',
    change: (o) => {
      asks(o, {})
      delete named(o.services, 'api')['metadata'].annotations[optInKey]
    },
  },
  {
    ...api,
    name: 'address-malformed',
    reason: 'MalformedAddress',
    change: (o) => asks(o, { [addressKey]: '172.22.0' }),
  },
  {
    name: 'deleted-and-kept-by-a-finalizer',
    reason: 'Released',
    change: (o) =>
      Object.assign(web(o)['metadata'], {
        deletionTimestamp: '2026-03-01T11:00:00Z',
        finalizers: ['example.com/backup'],
      }),
  },
  { ...api, name: 'pool-unknown', reason: 'UnknownPool', change: (o) => asks(o, { [poolKey]: 'production' }) },
  {
    ...api,
    name: 'pool-no-default',
    reason: 'NoDefaultPool',
    change: (o) => {
      delete pool(o)['metadata'].annotations[defaultKey]
      asks(o, {})
    },
  },
  {
    ...api,
    name: 'pool-full',
    reason: 'PoolFull',
    change: (o) => {
      pool(o)['spec'].address = '172.22.0.10-172.22.0.11'
      o.services.push(service('old', '172.22.0.11'))
      o.eipallocations.push(record('172.22.0.11', 'old'))
      asks(o, {})
    },
  },
  {
    ...api,
    name: 'pool-disabled',
    reason: 'PoolDisabled',
    change: (o) => {
      pool(o)['spec'].disable = true
      asks(o, {})
    },
  },
  {
    ...api,
    name: 'pool-being-deleted',
    reason: 'PoolDeleting',
    change: (o) => {
      pool(o)['metadata'].deletionTimestamp = '2026-03-01T11:00:00Z'
      asks(o, { [poolKey]: 'pool' })
    },
  },
  {
    ...api,
    name: 'pool-malformed',
    reason: 'PoolMalformed',
    change: (o) => {
      o.eips.push(eip('typo', '172.23.0.0/33'))
      o.eips.push(eip('typo-extra', '172.24.0.0/24', { extraAddresses: ['172.25.0.9-172.25.0.1'] }))
      asks(o, { [poolKey]: 'typo-extra' })
    },
  },
  {
    ...api,
    name: 'pool-overlaps',
    reason: 'PoolOverlap',
    change: (o) => {
      o.eips.push({
        ...eip('second', '172.22.0.128/25'),
        metadata: { name: 'second', creationTimestamp: '2026-02-02T00:00:00Z' },
      })
      asks(o, { [poolKey]: 'second' })
    },
  },
  {
    ...api,
    name: 'pool-of-other-namespaces',
    reason: 'NamespaceNotAllowed',
    change: (o) => {
      o.eips.push(eip('team', '172.23.0.0/24', { namespaces: ['team'] }))
      asks(o, { [poolKey]: 'team' })
    },
  },
  {
    ...api,
    name: 'pool-quota-reached',
    reason: 'QuotaExceeded',
    change: (o) => {
      pool(o)['spec'].maxPerNamespace = 1
      asks(o, {})
    },
  },
  {
    ...api,
    name: 'pool-protocol',
    reason: 'ProtocolMismatch',
    change: (o) => asks(o, { [poolKey]: 'pool', 'protocol.openelb.kubesphere.io/v1alpha1': 'layer2' }),
  },
  {
    ...api,
    name: 'pool-has-no-ipv6',
    reason: 'FamilyUnavailable',
    change: (o) => asks(o, {}, { spec: { ipFamilies: ['IPv6'] } }),
  },
  {
    ...api,
    name: 'address-taken',
    reason: 'AddressTaken',
    change: (o) => {
      named(o.services, 'web')['spec'].externalTrafficPolicy = 'Local'
      asks(o, { [addressKey]: '172.22.0.10' })
    },
  },
  {
    ...api,
    name: 'address-shared-port-in-use',
    reason: 'PortCollision',
    change: (o) => asks(o, { [addressKey]: '172.22.0.10' }),
  },
  {
    ...api,
    name: 'address-cooling',
    reason: 'AddressCooling',
    change: (o) => {
      o.eipallocations.push(record('172.22.0.77', 'gone'))
      asks(o, { [addressKey]: '172.22.0.77' })
    },
  },
  {
    ...api,
    name: 'address-retained',
    reason: 'AddressRetained',
    change: (o) => {
      o.eipallocations.push(record('172.22.0.77', 'gone', { status: { retainedUntil: '2026-03-01T13:00:00Z' } }))
      asks(o, { [addressKey]: '172.22.0.77' })
    },
  },
  {
    ...api,
    name: 'address-of-a-node',
    reason: 'AddressReserved',
    change: (o) => {
      o.eips.push(eip('wide', '192.168.0.0/16'))
      asks(o, { [addressKey]: '192.168.0.3' })
    },
  },
  {
    ...api,
    name: 'address-excluded',
    reason: 'AddressReserved',
    change: (o) => {
      pool(o)['spec'].excludes = ['172.22.0.0-172.22.0.9']
      asks(o, { [addressKey]: '172.22.0.5' })
    },
  },
  {
    ...api,
    name: 'address-outside-the-pool',
    reason: 'AddressOutsidePool',
    change: (o) => asks(o, { [poolKey]: 'pool', [addressKey]: '172.23.0.5' }),
  },
  {
    ...api,
    name: 'address-in-no-pool',
    reason: 'AddressInNoPool',
    change: (o) => asks(o, { [addressKey]: '172.99.0.5' }),
  },
  {
    name: 'pool-force-deleted',
    reason: 'PoolForceDeleted',
    change: (o) => {
      o.eips = []
      web(o)['status'].loadBalancer = {}
      o.eipallocations = [record('172.22.0.10', 'web', { status: { retainedUntil: '2026-03-02T11:00:00Z' } })]
    },
  },
  { name: 'pool-gone-address-kept', reason: 'PoolGone', change: (o) => (o.eips = []) },
  {
    name: 'asks-for-another-keeps-the-old',
    reason: 'KeptAddress',
    change: (o) => {
      web(o)['metadata'].annotations[poolKey] = 'production'
      web(o)['status'].conditions[0] = condition(
        'bellhop.dev/EipAssigned',
        'True',
        'KeptAddress',
        '172.22.0.10 is kept: Service default/web asks for Eip production, which does not exist; create it or name another one',
      )
    },
  },
  { ...api, name: 'not-claimed-yet', reason: 'StatusBehind', change: (o) => asks(o, {}) },
  {
    ...api,
    name: 'no-leader',
    reason: 'NoLeader',
    change: (o) => {
      named(o.leases, 'bellhop-controller')['spec'].renewTime = '2026-03-01T11:52:00.000000Z'
      asks(o, {})
    },
  },
  { name: 'status-not-written-yet', reason: 'StatusBehind', change: (o) => (web(o)['status'].loadBalancer = {}) },
  {
    name: 'status-contested',
    reason: 'StatusContested',
    change: (o) => {
      web(o)['status'].conditions[0] = condition(
        'bellhop.dev/EipAssigned',
        'True',
        'StatusContested',
        'metallb-controller keeps rewriting status.loadBalancer; 172.22.0.10 is written back less and less often',
      )
    },
  },
  { name: 'label-missing', reason: 'StatusBehind', change: (o) => delete web(o)['metadata'].labels[poolKey] },
]
