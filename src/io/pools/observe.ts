import type { Family } from '../../core/address/index.ts'
import {
  type Pools,
  type Reservation,
  ReservedIndex,
  reserveApiServer,
  reserveNeighbor,
  reserveNode,
  reserveServiceRange,
} from '../../core/ipam/index.ts'
import { type Eip, type KubeObjectLike, readEip, readMetadata, stringsAt } from '../../core/model/index.ts'
import { sameValue } from '../../core/status/index.ts'
import type { KubeClient, KubeObject, Reflector, Resource, Selection } from '../kube/interface.ts'
import { openReflector } from '../kube/reflector.ts'
import { bgpPeers, eips, endpointSlices, namespaces, nodes, serviceCidrs, services } from '../kube/resources.ts'
import type { Clock } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'

/** What changed, for whoever has Services waiting for it. */
export type PoolsChange =
  | { readonly kind: 'eip'; readonly name: string; readonly before: Eip | undefined; readonly after: Eip | undefined }
  | { readonly kind: 'namespace'; readonly name: string }
  | { readonly kind: 'reserved'; readonly source: string }

/** Whether decisions rest on what changed: the status of an Eip is written all the time and decides nothing. */
export function isMaterial(change: PoolsChange): boolean {
  if (change.kind !== 'eip') return true
  const { before, after } = change
  if (before === undefined || after === undefined) return true
  return !sameValue(
    { ...before, status: undefined, resourceVersion: '' },
    { ...after, status: undefined, resourceVersion: '' },
  )
}

export interface PoolsObserver {
  /** The same object all the time, its content kept current. */
  readonly pools: Pools
  /** By plural; the Service default/kubernetes is `services/kubernetes`. */
  readonly reflectors: ReadonlyMap<string, Reflector<unknown>>
  /** Keys of `reflectors` that have not been listed yet. */
  missing(): readonly string[]
  stop(): Promise<void>
}

export interface PoolsObserverOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  /** Called after `pools` has changed, also before everything is listed. */
  readonly onChange?: (change: PoolsChange) => void
}

export function observePools({ client, clock, log, onChange = () => {} }: PoolsObserverOptions): PoolsObserver {
  const eipsByName = new Map<string, Eip>()
  const labelsByNamespace = new Map<string, Readonly<Record<string, string>>>()
  const reserved = new ReservedIndex()
  let primaryFamily: Family = 4
  const reflectors = new Map<string, Reflector<unknown>>()

  const observe = <T>(
    resource: Resource,
    read: (object: KubeObject) => T | undefined,
    apply: (key: string, after: T | undefined, before: T | undefined) => void,
    selection: Selection = {},
    name: string = resource.plural,
  ): void => {
    const reflector = openReflector<T>(client, {
      resource,
      ...selection,
      read,
      onChange: (key, before, after) => apply(key, after, before),
      clock,
      log: log.child({ resource: name }),
    })
    reflectors.set(name, reflector)
  }
  const reserve = (resource: Resource, read: (object: KubeObject) => Reservation, selection?: Selection): void =>
    observe(
      resource,
      read,
      (key, after) => {
        const source = `${resource.kind}/${key}`
        reserved.put(source, after)
        onChange({ kind: 'reserved', source })
      },
      selection,
    )

  observe(eips, readEip, (name, after, before) => {
    if (after === undefined) eipsByName.delete(name)
    else eipsByName.set(name, after)
    onChange({ kind: 'eip', name, before, after })
  })
  observe(
    namespaces,
    (object) => readMetadata(object).labels,
    (name, labels) => {
      if (labels === undefined) labelsByNamespace.delete(name)
      else labelsByNamespace.set(name, labels)
      onChange({ kind: 'namespace', name })
    },
  )
  observe(
    services,
    readFamily,
    (_key, family) => {
      primaryFamily = family ?? primaryFamily
    },
    { namespace: 'default', fieldSelector: 'metadata.name=kubernetes' },
    'services/kubernetes',
  )
  reserve(nodes, reserveNode)
  reserve(bgpPeers, reserveNeighbor)
  reserve(serviceCidrs, reserveServiceRange)
  reserve(endpointSlices, reserveApiServer, {
    namespace: 'default',
    labelSelector: 'kubernetes.io/service-name=kubernetes',
  })

  return {
    pools: {
      eips: eipsByName,
      namespaces: labelsByNamespace,
      get primaryFamily() {
        return primaryFamily
      },
      reserved: (ip) => reserved.whatIs(ip),
      reservedRange: (ip) => reserved.rangeOf(ip),
      reservations: (ranges) => reserved.within(ranges),
      podRanges: (ranges) => reserved.podsWithin(ranges),
    },
    reflectors,
    missing: () => [...reflectors].filter(([, reflector]) => !reflector.isSynced()).map(([plural]) => plural),
    stop: async () => {
      await Promise.all([...reflectors.values()].map((reflector) => reflector.stop()))
    },
  }
}

function readFamily(object: KubeObjectLike): Family {
  return stringsAt(object, 'spec', 'ipFamilies')[0] === 'IPv6' ? 6 : 4
}
