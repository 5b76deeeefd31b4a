// EndpointSlices of Services without a selector: they carry the labels of whoever wrote them, not the Service's, so that
// our label selects none of them. What speakers announce and what the controller says of it must come of the same slices,
// so both see them through here.
//
//   1. `follow` is told of every Service of ours; what has a selector is of no concern here
//   2. one watch for all slices that no EndpointSlice controller wrote for a selector; open only while there is a Service
//      without one, for most clusters have none
//   3. `onChange` hears of the slices of Services that are followed, and of no others
//
// Never: one watch a Service; a slice with our label, which the watch by that label has already.
import { SliceIndex, serviceKeyOf, sharingReader } from '../../core/announce/index.ts'
import { type EndpointSlice, poolLabel } from '../../core/model/index.ts'
import { type KubeClient, type Reflector, endpointSlices, openReflector } from '../kube/index.ts'
import type { Clock } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'

// Those with our label are watched already (well-known labels of EndpointSlices).
const labelSelector = [
  'kubernetes.io/service-name',
  'endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io',
  `!${poolLabel}`,
].join()

export interface BareSlicesOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly onChange: (before: EndpointSlice | undefined, after: EndpointSlice | undefined) => void
}

export interface BareSlices {
  /** The Service of that key is now this one; undefined: gone, or not ours. */
  follow(key: string, service: { readonly hasSelector: boolean } | undefined): void
  /** Resolves when the slices of all Services followed now have been listed. */
  synced(): Promise<void>
  /** Whether they have been. */
  isSynced(): boolean
  stop(): Promise<void>
}

export function openBareSlices({ client, clock, log, onChange }: BareSlicesOptions): BareSlices {
  /** Keys of Services. */
  const followed = new Set<string>()
  /** Also of Services that are not followed. */
  const known = new SliceIndex()
  let reflector: Reflector<EndpointSlice> | undefined

  function take(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    if (before !== undefined) {
      known.remove(before)
      if (followed.has(serviceKeyOf(before))) onChange(before, undefined)
    }
    if (after !== undefined) {
      known.put(after)
      if (followed.has(serviceKeyOf(after))) onChange(undefined, after)
    }
  }

  function begin(key: string): void {
    followed.add(key)
    for (const slice of known.of(key)) onChange(undefined, slice)
    reflector ??= open()
  }

  function open(): Reflector<EndpointSlice> {
    const opened: Reflector<EndpointSlice> = openReflector(client, {
      resource: endpointSlices,
      labelSelector,
      read: sharingReader(),
      onChange: (_key, before, after) => {
        if (opened === reflector) take(before, after)
      },
      clock,
      log,
    })
    return opened
  }

  function end(key: string): void {
    followed.delete(key)
    for (const slice of known.of(key)) onChange(slice, undefined)
    if (followed.size > 0) return
    void reflector?.stop()
    reflector = undefined
    known.clear()
  }

  return {
    follow(key, service) {
      const wanted = service !== undefined && !service.hasSelector
      if (wanted === followed.has(key)) return
      if (wanted) begin(key)
      else end(key)
    },
    synced: () => reflector?.synced ?? Promise.resolve(),
    isSynced: () => reflector?.isSynced() ?? true,
    stop: () => reflector?.stop() ?? Promise.resolve(),
  }
}
