// Which changes of a peer's settings end its session: only what stands in the OPEN or is the connection itself.
import { formatIp } from '../../address/index.ts'
import type { PeerSettings } from '../model.ts'

const resetting: readonly (readonly [what: string, read: (settings: PeerSettings) => unknown])[] = [
  ['neighbor address', ({ neighbor }) => formatIp(neighbor)],
  ['remote port', ({ remotePort }) => remotePort],
  ['local AS', ({ localAs }) => localAs],
  ['peer AS', ({ peerAs }) => peerAs],
  ['router id', ({ routerId }) => formatIp(routerId)],
  ['local address', ({ localAddress }) => localAddress && formatIp(localAddress)],
  ['password', ({ password }) => password],
  ['TTL security', ({ ttlSecurity }) => ttlSecurity ?? false],
  ['multihop TTL', ({ multihopTtl }) => multihopTtl],
  ['address families', ({ families }) => families.join()],
  ['ADD-PATH', ({ addPathSendMax }) => addPathSendMax > 1],
  ['hold time', ({ holdTimeMs }) => holdTimeMs],
  ['graceful restart', ({ gracefulRestart: g }) => g && `${g.restartTimeMs} ${g.notification === true}`],
]

/** What changed that the peer must hear of in a new OPEN or on a new connection; undefined: the session can stay. */
export function resetReason(before: PeerSettings, after: PeerSettings): string | undefined {
  const changed = resetting.filter(([, read]) => read(before) !== read(after)).map(([what]) => what)
  return changed.length === 0 ? undefined : `${changed.join(', ')} changed`
}
