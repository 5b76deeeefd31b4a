import { type Ip, sameIp } from '../../core/address/index.ts'
import type { PeerSettings } from '../../core/bgp/index.ts'
import { listAddresses } from '../net/addresses.ts'
import type { DialTarget } from '../net/tcp.ts'

const highestTtl = 255

/** GTSM, RFC 5082 §3: the least TTL that packets of the peer arrive with; undefined: not asked for. */
export function minimumTtlOf({ ttlSecurity, multihopTtl = 1 }: PeerSettings): number | undefined {
  return ttlSecurity === true ? highestTtl - multihopTtl + 1 : undefined
}

export function dialTarget(settings: PeerSettings): DialTarget {
  const { neighbor, remotePort, localAddress, password, multihopTtl, ttlSecurity } = settings
  const ttl = ttlSecurity === true ? highestTtl : multihopTtl
  const minimumTtl = minimumTtlOf(settings)
  return {
    remote: neighbor,
    remotePort,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(password === undefined ? {} : { password }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(minimumTtl === undefined ? {} : { minimumTtl }),
  }
}

/** A global address of the other family on the interface that `local` is on. */
export function otherFamilyAddress(local: Ip): Ip | undefined {
  const addresses = listAddresses()
  const own = addresses.find(({ ip }) => sameIp(ip, local))?.interface
  const other = addresses.find((each) => each.interface === own && each.ip.family !== local.family && !each.linkLocal)
  return own === undefined ? undefined : other?.ip
}
