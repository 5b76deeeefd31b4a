// The Rack object of the own node's rack, and of it what a speaker must know: the nodes that do not speak for themselves
// to some peer. When the node's label changes, the old rack's last word counts until the new one has been read.
import {
  type KubeObjectLike,
  type ProxiedNode,
  booleanAt,
  listAt,
  numberAt,
  stringAt,
  stringsAt,
} from '../src/core/model/index.ts'
import { type KubeClient, type Reflector, openReflector, racks } from '../src/io/kube/index.ts'
import type { Clock } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'

export interface RackOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly onChange: (proxied: readonly ProxiedNode[]) => void
}

export interface Rack {
  /** Follows the object of that name from now on, and no other. */
  follow(name: string): void
  /** The first list of the first rack that stayed is in. */
  readonly synced: Promise<void>
  reflector(): Reflector<readonly ProxiedNode[]> | undefined
}

export function openRack({ client, clock, log, onChange }: RackOptions): Rack {
  let current: { readonly name: string; readonly reflector: Reflector<readonly ProxiedNode[]> } | undefined
  let resolveSynced: () => void = () => {}
  const synced = new Promise<void>((resolve) => (resolveSynced = resolve))

  async function settle(name: string, { synced: listed, store }: Reflector<readonly ProxiedNode[]>): Promise<void> {
    await listed
    if (current?.name !== name) return
    if (store.size === 0) onChange([])
    resolveSynced()
  }

  return {
    follow: (name) => {
      if (current?.name === name) return
      void current?.reflector.stop()
      const reflector = openReflector<readonly ProxiedNode[]>(client, {
        resource: racks,
        fieldSelector: `metadata.name=${name}`,
        read: readProxied,
        onChange: (_key, _before, after) => {
          if (current?.name === name) onChange(after ?? [])
        },
        clock,
        log,
      })
      current = { name, reflector }
      void settle(name, reflector)
    },
    synced,
    reflector: () => current?.reflector,
  }
}

/** Entries without a name are left out; everything missing reads as "no". */
export function readProxied({ status }: KubeObjectLike): readonly ProxiedNode[] {
  return listAt(status, 'proxied').flatMap((entry): readonly ProxiedNode[] => {
    const node = stringAt(entry, 'node')
    if (node === undefined) return []
    return [
      {
        node,
        addresses: stringsAt(entry, 'addresses'),
        usable: booleanAt(entry, 'usable') ?? false,
        announcedBy: listAt(entry, 'announcedBy').flatMap((by) => {
          const peer = stringAt(by, 'peer')
          const family = numberAt(by, 'family')
          if (peer === undefined || (family !== 4 && family !== 6)) return []
          return [{ peer, family, speakers: stringsAt(by, 'speakers') }]
        }),
      },
    ]
  })
}
