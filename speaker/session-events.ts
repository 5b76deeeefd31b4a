// What is said in Events about a BgpPeer: that a change ended its session, and that it cannot be had at all. Each once.
import { formatIp } from '../src/core/address/index.ts'
import type { DownPeer } from '../src/core/announce/index.ts'
import type { BgpPeer, ReasonCode } from '../src/core/model/index.ts'
import { type Events, apiVersionOf, bgpPeers } from '../src/io/kube/index.ts'

export interface SessionEventsOptions {
  readonly events: Pick<Events, 'record'>
  readonly nodeName: string
  readonly peers: ReadonlyMap<string, BgpPeer>
}

export interface SessionEvents {
  /** The engine has ended a session that was up: `password changed`. */
  reset(peer: string, reason: string): void
  /** Peers that are meant for this node and are not configured, now. */
  down(peers: readonly DownPeer[]): void
}

export function openSessionEvents({ events, nodeName, peers }: SessionEventsOptions): SessionEvents {
  let told: ReadonlyMap<string, ReasonCode> = new Map()

  function record(peer: BgpPeer, type: 'Normal' | 'Warning', reason: ReasonCode, message: string): void {
    const { name, uid } = peer
    events.record({ apiVersion: apiVersionOf(bgpPeers), kind: bgpPeers.kind, name, uid }, type, reason, message)
  }

  return {
    reset: (key, reason) => {
      const peer = peers.get(key)
      if (peer === undefined) return
      const neighbor = peer.neighbor === undefined ? 'its router' : formatIp(peer.neighbor)
      record(peer, 'Normal', 'SessionReset', `the session of node ${nodeName} to ${neighbor} was ended: ${reason}`)
    },
    down: (downPeers) => {
      for (const { peer, reason } of downPeers) {
        if (told.get(peer.name) === reason.code) continue
        record(peer, 'Warning', reason.code, `node ${nodeName} has no session: ${reason.message}`)
      }
      told = new Map(downPeers.map(({ peer, reason }) => [peer.name, reason.code]))
    },
  }
}
