// Which changes of a peer's settings end its session: only what stands in the OPEN or is the connection itself.
import { formatIp } from '../../address/index.ts'
import type { PeerSettings } from '../model.ts'

type Row = readonly [what: string, read: (settings: PeerSettings) => unknown]

const resetting: readonly Row[] = [
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
  ['graceful restart', ({ gracefulRestart: g }) => g && `${g.restartTimeMs} ${g.notification === true}`],
]

/**
 * Stands in the OPEN too, but no traffic is worth less than a timer: a session that is up goes on with what was
 * negotiated, and the next one has the new value.
 */
const resettingBeforeUp: readonly Row[] = [['hold time', ({ holdTimeMs }) => holdTimeMs]]

/**
 * What changed that the peer must hear of in a new OPEN or on a new connection; undefined: the session, or the attempt
 * at one, can go on.
 */
export function resetReason(before: PeerSettings, after: PeerSettings, isUp: boolean): string | undefined {
  const rows = isUp ? resetting : [...resetting, ...resettingBeforeUp]
  const changed = rows.filter(([, read]) => read(before) !== read(after)).map(([what]) => what)
  return changed.length === 0 ? undefined : `${changed.join(', ')} changed`
}
