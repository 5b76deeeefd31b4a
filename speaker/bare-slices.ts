// EndpointSlices of Services without a selector: they carry the labels of whoever wrote them, not the Service's, so that
// our label selects none of them. They are followed one Service at a time; there are few.
import type { AnnouncedService } from '../src/core/announce/index.ts'
import { type EndpointSlice, readEndpointSlice } from '../src/core/model/index.ts'
import { type KubeClient, type Reflector, endpointSlices, openReflector } from '../src/io/kube/index.ts'
import type { Clock } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'

export interface BareSlicesOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly onChange: (key: string, before: EndpointSlice | undefined, after: EndpointSlice | undefined) => void
}

export interface BareSlices {
  /** The Service of that key is now this one, or gone. */
  follow(key: string, service: AnnouncedService | undefined): void
  /** Resolves when the slices of all Services followed now have been listed. */
  synced(): Promise<void>
  stop(): Promise<void>
}

export function openBareSlices({ client, clock, log, onChange }: BareSlicesOptions): BareSlices {
  const followed = new Map<string, Reflector<EndpointSlice>>()
  return {
    follow: (key, service) => {
      const wanted = service !== undefined && !service.hasSelector
      const known = followed.get(key)
      if (known !== undefined && !wanted) {
        followed.delete(key)
        void known.stop()
        for (const [sliceKey, slice] of known.store.entries()) onChange(sliceKey, slice, undefined)
      }
      if (known !== undefined || !wanted) return
      const { namespace, name } = service
      followed.set(
        key,
        openReflector(client, {
          resource: endpointSlices,
          namespace,
          labelSelector: `kubernetes.io/service-name=${name}`,
          read: readEndpointSlice,
          onChange,
          clock,
          log,
        }),
      )
    },
    synced: async () => {
      await Promise.all([...followed.values()].map((reflector) => reflector.synced))
    },
    stop: async () => {
      await Promise.all([...followed.values()].map((reflector) => reflector.stop()))
    },
  }
}
