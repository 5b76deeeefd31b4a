import type { Ip, Prefix } from '../../core/address/index.ts'
import type { Path, PeerSettings, SessionReport } from '../../core/bgp/index.ts'
import type { Clock } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'

export interface BgpOptions {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly log: Log
  /** Called when a session changes its state, and only then. */
  readonly onChange: (report: SessionReport) => void
  /** Called when `configure` ends a session that was up, with the settings that made it so: `password changed`. */
  readonly onReset?: (peerKey: string, reason: string) => void
  /** How long routes carry GRACEFUL_SHUTDOWN (RFC 8326) before a session is ended on purpose; 1000 when absent. */
  readonly gracefulShutdownMs?: number
}

export interface ListenSettings {
  /** -1: no listening. */
  readonly port: number
  /** None: every address of the host. */
  readonly addresses: readonly Ip[]
}

export interface Bgp {
  /** What is to run from now on. Sessions that need not be reset are not touched; paths of peers that stay are kept. */
  configure(listen: ListenSettings, peers: readonly PeerSettings[]): void
  /**
   * The paths that a peer should have to one prefix, in order of preference; none: withdrawn. Remembered over
   * reconnects. A peer that takes one path gets one with next hop 'self', if there is one, else the first; others the
   * first `addPathSendMax`. Ignored for a peer that is not configured.
   */
  setPaths(peerKey: string, prefix: Prefix, paths: readonly Path[]): void
  /** What is wanted is complete: from now on End-of-RIB follows the first transfer of a session. */
  ready(): void
  sessions(): readonly SessionReport[]
  /** When all changes made so far are handed to the kernel, or their session is down. */
  drained(peerKey?: string): Promise<void>
  /**
   * Ends all. `restart`: where graceful restart was negotiated the connection just ends, so that the peer keeps the
   * routes. `leave`, and `restart` everywhere else: tag with GRACEFUL_SHUTDOWN, wait, withdraw, flush, Cease. Never longer
   * than a few seconds.
   */
  close(how: 'restart' | 'leave'): Promise<void>
}
