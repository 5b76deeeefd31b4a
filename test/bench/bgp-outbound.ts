// A session as most are: external, IPv4, four-octet AS numbers, one path a prefix.
import type { Ip } from '../../src/core/address/index.ts'
import { Outbound } from '../../src/core/bgp/rib/index.ts'

/** What is written to the peer of such a session; `own`: our address, its router id too, which no message shows. */
export function plainOutbound(own: Ip): Outbound {
  return new Outbound({
    localAs: 65001,
    addPathSendMax: 1,
    negotiated: {
      peerAs: 65002,
      remoteRouterId: own,
      external: true,
      holdTimeMs: 90_000,
      keepaliveMs: 30_000,
      families: [4],
      addPathSend: [],
      fourOctetAs: true,
      maxMessageLength: 4096,
      extendedNextHop: false,
      routeRefresh: true,
      enhancedRouteRefresh: false,
      gracefulRestart: false,
      gracefulNotification: false,
    },
    self: () => own,
  })
}
