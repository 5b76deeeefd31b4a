import type { Socket } from 'node:net'

import { type Family, type Ip, type Prefix, formatIp } from '../../core/address/index.ts'
import type { Path, PeerSettings, SessionReport } from '../../core/bgp/index.ts'
import { AdjRibOut, Outbound, type PathInterner } from '../../core/bgp/rib/index.ts'
import { type Action, type Negotiated, type SessionEvent, resetReason } from '../../core/bgp/session/index.ts'
import { type Update, ceaseSubcodes } from '../../core/bgp/wire/index.ts'
import { type Clock, type Timer, pause } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { Counts } from './counts.ts'
import { otherFamilyAddress } from './endpoints.ts'
import { Sender } from './sender.ts'
import { Tracks } from './tracks.ts'

export interface PeerOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly onChange: (report: SessionReport) => void
  readonly onReset: (key: string, reason: string) => void
  /** Begins to connect: see dialTcp. */
  readonly dial: (settings: PeerSettings) => Socket
  readonly interner: PathInterner
  readonly isReady: boolean
  /** How long routes carry GRACEFUL_SHUTDOWN before a planned end. */
  readonly gracefulShutdownMs: number
}

/** Longer than that nobody waits for a peer that does not read. */
const flushLimitMs = 2000

/** One configured peer: its session, and what it is sent. */
export class Peer {
  readonly #options: PeerOptions
  readonly #log: Log
  readonly #sent = new Counts()
  readonly #received = new Counts()
  readonly #sender: Sender
  readonly #tracks: Tracks
  #settings: PeerSettings
  #negotiated: Negotiated | undefined
  #sinceMs: number
  #lastError: string | undefined
  /** Why the last session ended that was up: attempts that fail after it must not hide it. */
  #lastEnd: string | undefined
  #flaps = 0
  #prefixesReceived = 0
  #reported: SessionReport['state'] = 'IDLE'
  /** Runs while the session is up for the last moments before it is shut down (RFC 8326). */
  #shuttingDown: Timer | undefined
  #isTagged = false

  constructor(settings: PeerSettings, options: PeerOptions) {
    const { clock, random, log, interner, isReady } = options
    this.#options = options
    this.#settings = settings
    this.#log = log.child({ peer: settings.key, neighbor: formatIp(settings.neighbor) })
    this.#sinceMs = clock.wallMs()
    this.#sender = new Sender(new AdjRibOut(interner), { clock, random, counts: this.#sent, isReady })
    this.#sender.setInterval(settings.minAdvertisementMs ?? 0)
    this.#tracks = new Tracks(settings, Math.floor(random() * 2 ** 32), clock, {
      dial: () => options.dial(this.#settings),
      act: (action) => this.#act(action),
      sent: (message) => this.#sent.take(message),
      received: (message) => this.#received.take(message),
      drain: () => this.#sender.drain(),
      changed: () => this.#reportChange(),
    })
  }

  get settings(): PeerSettings {
    return this.#settings
  }

  start(): void {
    this.#tracks.event(this.#settings.adminDown ? shutdownByHand : { name: 'ManualStart' })
  }

  /** Takes other settings; the session is reset only when the peer must hear of the change. */
  configure(settings: PeerSettings): void {
    const before = this.#settings
    const reason = resetReason(before, settings, this.#negotiated !== undefined)
    if (reason !== undefined) this.#reset(reason)
    this.#settings = settings
    this.#tracks.configure(settings)
    this.#sender.setInterval(settings.minAdvertisementMs ?? 0)
    if (settings.adminDown !== before.adminDown) this.#turn()
    else if (reason !== undefined && !settings.adminDown) this.#tracks.event({ name: 'AutomaticStart' })
    else if (isSentOtherwise(before, settings)) this.#sendAnew()
  }

  setPaths(prefix: Prefix, paths: readonly Path[]): void {
    this.#sender.setPaths(prefix, paths)
  }

  ready(): void {
    this.#sender.ready()
  }

  drained(): Promise<void> {
    return this.#sender.drained()
  }

  /** Takes a connection that the peer dialled; false: no session is wanted, the connection is the caller's to close. */
  accept(socket: Socket, localAddress: Ip): boolean {
    return this.#tracks.accept(socket, localAddress)
  }

  /** See Bgp.close; `remove`: the peer is configured no more, `replace`: another one has its address now. */
  async close(how: 'restart' | 'leave' | 'remove' | 'replace'): Promise<void> {
    this.#shuttingDown?.cancel()
    this.#tracks.dropSecond()
    const isKept = how === 'restart' && this.#negotiated?.gracefulRestart === true
    if (isKept) await this.#flush()
    else if (how !== 'replace') await this.#shutGracefully(how !== 'remove')
    this.#tracks.event(isKept ? endForRestart : endings[how])
    this.#tracks.dropSecond()
    const track = this.#tracks.current
    track.timers.disarmAll()
    await track.ended
  }

  report(): SessionReport {
    const { state } = this.#tracks
    const up = this.#negotiated
    return {
      key: this.#settings.key,
      state: state.name,
      since: this.#sinceMs,
      ...('localAddress' in state ? { localAddress: state.localAddress } : {}),
      ...(up === undefined ? {} : { remoteRouterId: up.remoteRouterId, negotiatedHoldTimeMs: up.holdTimeMs }),
      families: up?.families ?? [],
      addPath: up?.addPathSend ?? [],
      ...(up?.extendedNextHop === true ? { extendedNextHop: true } : {}),
      ...this.#error(),
      flaps: this.#flaps,
      prefixesWanted: this.#sender.rib.wantedCount,
      prefixesSent: this.#sender.rib.sentCount,
      prefixesReceived: this.#prefixesReceived,
      messages: { sent: this.#sent.read(), received: this.#received.read() },
      notifications: { sent: this.#sent.notifications, received: this.#received.notifications },
    }
  }

  #error(): Pick<SessionReport, 'lastError'> {
    const [last, end] = [this.#lastError, this.#lastEnd]
    if (last === undefined) return {}
    return { lastError: end === undefined || end === last ? last : `${last}; before that, ${end}` }
  }

  #reset(reason: string): void {
    this.#log.info('session reset by a change of its settings', { reason })
    if (this.#negotiated !== undefined) this.#options.onReset(this.#settings.key, reason)
    this.#stopShuttingDown()
    this.#tracks.event({
      name: 'AutomaticStop',
      subcode: ceaseSubcodes.otherConfigurationChange,
      detail: reason,
    })
    this.#tracks.dropSecond()
  }

  // adminDown has changed. Down: not before the peer has moved its traffic elsewhere.
  #turn(): void {
    const { adminDown } = this.#settings
    if (!adminDown && this.#stopShuttingDown()) return this.#sendAnew()
    if (adminDown && this.#negotiated !== undefined) this.#options.onReset(this.#settings.key, 'administratively down')
    if (!adminDown || !this.#isCarrying()) return this.start()
    this.#isTagged = true
    this.#sendAnew()
    // Now, whatever MinRouteAdvertisementInterval says.
    void this.#sender.drained()
    this.#shuttingDown = this.#options.clock.after(this.#options.gracefulShutdownMs, () => {
      this.#stopShuttingDown()
      this.start()
    })
  }

  // True: it was under way.
  #stopShuttingDown(): boolean {
    const wasShuttingDown = this.#shuttingDown !== undefined
    this.#shuttingDown?.cancel()
    this.#shuttingDown = undefined
    this.#isTagged = false
    return wasShuttingDown
  }

  async #shutGracefully(withdraws: boolean): Promise<void> {
    const { clock, gracefulShutdownMs } = this.#options
    if (this.#isCarrying()) {
      this.#isTagged = true
      this.#sendAnew()
      await this.#flush()
      if (this.#isCarrying()) await pause(clock, gracefulShutdownMs)
    }
    if (!withdraws) return
    this.#sender.withdrawAll()
    await this.#flush()
  }

  #isCarrying(): boolean {
    return this.#negotiated !== undefined && this.#sender.rib.sentCount > 0
  }

  async #flush(): Promise<void> {
    const limit = new AbortController()
    await Promise.race([this.#sender.drained(), pause(this.#options.clock, flushLimitMs, limit.signal)])
    limit.abort()
  }

  #act(action: Action): void {
    if (action.do === 'deliver') this.#count(action.update)
    else if (action.do === 'up') this.#up(action.negotiated)
    else if (action.do === 'down') this.#down(action.reason)
    else if (action.do === 'refresh') this.#sender.refresh(action.refresh)
  }

  #up(negotiated: Negotiated): void {
    const { connection } = this.#tracks.current
    if (connection === undefined) return
    this.#negotiated = negotiated
    this.#sinceMs = this.#options.clock.wallMs()
    this.#prefixesReceived = 0
    this.#log.info('session established', { families: negotiated.families, addPath: negotiated.addPathSend })
    this.#sender.begin(connection, this.#outbound(negotiated), negotiated)
  }

  #down(reason: string): void {
    if (reason !== this.#lastError || this.#negotiated !== undefined) this.#log.info('session down', { reason })
    this.#lastError = reason
    if (this.#negotiated === undefined) return
    this.#lastEnd = reason
    this.#negotiated = undefined
    this.#flaps++
    this.#sinceMs = this.#options.clock.wallMs()
    this.#sender.end()
  }

  // Routes received are of no use here: counted and dropped.
  #count({ withdrawn, nlri, attributes, faults }: Update): void {
    this.#prefixesReceived += nlri.length + (attributes.mpReach?.nlri.length ?? 0)
    this.#received.addWithdrawn(withdrawn.length + (attributes.mpUnreach?.withdrawn.length ?? 0))
    for (const { class: errorClass, detail } of faults) this.#log.debug('damaged UPDATE', { errorClass, detail })
  }

  #sendAnew(): void {
    if (this.#negotiated !== undefined) this.#sender.change(this.#outbound(this.#negotiated))
  }

  #outbound(negotiated: Negotiated): Outbound {
    const { localAs, addPathSendMax } = this.#settings
    const gracefulShutdown = this.#isTagged
    return new Outbound({ localAs, addPathSendMax, negotiated, self: this.#selfOf(negotiated), gracefulShutdown })
  }

  // For the other family: what is configured; over IPv6 with RFC 8950 our own address; else what the interface has.
  #selfOf({ extendedNextHop }: Negotiated): (family: Family) => Ip | undefined {
    const { state } = this.#tracks
    const local = 'localAddress' in state ? state.localAddress : undefined
    const found = local === undefined || extendedNextHop ? local : otherFamilyAddress(local)
    const other = this.#settings.otherFamilyAddress ?? found
    return (family) => {
      if (local?.family === family) return local
      return other?.family === family || extendedNextHop ? other : undefined
    }
  }

  #reportChange(): void {
    const { name } = this.#tracks.state
    if (name === this.#reported) return
    this.#reported = name
    this.#options.onChange(this.report())
  }
}

const shutdownByHand: SessionEvent = stop('administrativeShutdown', 'administratively down')
const endForRestart: SessionEvent = { name: 'TcpConnectionFails', why: 'closed for a restart' }
const endings = {
  restart: stop('administrativeShutdown', 'the speaker restarts'),
  leave: stop('administrativeShutdown', 'the speaker leaves'),
  remove: stop('peerDeconfigured'),
  replace: stop('peerDeconfigured'),
} as const

function stop(subcode: keyof typeof ceaseSubcodes, words?: string): SessionEvent {
  return { name: 'ManualStop', subcode: ceaseSubcodes[subcode], ...(words === undefined ? {} : { words }) }
}

// What changes routes, but not the session.
function isSentOtherwise(before: PeerSettings, after: PeerSettings): boolean {
  const address = ({ otherFamilyAddress: ip }: PeerSettings): string | undefined => ip && formatIp(ip)
  return before.addPathSendMax !== after.addPathSendMax || address(before) !== address(after)
}
