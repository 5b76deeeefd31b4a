import type { Socket } from 'node:net'

import { type Family, type Ip, type Prefix, formatIp } from '../../core/address/index.ts'
import type { Path, PeerSettings, SessionReport } from '../../core/bgp/index.ts'
import { AdjRibOut, Outbound, type PathInterner } from '../../core/bgp/rib/index.ts'
import {
  type Action,
  type Negotiated,
  type SessionEvent,
  initialState,
  negotiate,
  resetReason,
  survivorOf,
  withSettings,
} from '../../core/bgp/session/index.ts'
import { type Update, ceaseSubcodes, isWireError } from '../../core/bgp/wire/index.ts'
import { dialTcp } from '../net/tcp.ts'
import { type Clock, pause } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { Counts } from './counts.ts'
import { dialTarget, otherFamilyAddress } from './endpoints.ts'
import { Sender } from './sender.ts'
import { Track, type TrackHandlers } from './track.ts'

export interface PeerOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly onChange: (report: SessionReport) => void
  readonly interner: PathInterner
  readonly isReady: boolean
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
  readonly #handlers: TrackHandlers
  #settings: PeerSettings
  /** The session. */
  #track: Track
  /** A second connection, until RFC 4271 §6.8 has chosen. */
  #second: Track | undefined
  #negotiated: Negotiated | undefined
  #sinceMs: number
  #lastError: string | undefined
  #flaps = 0
  #reported: SessionReport['state'] = 'IDLE'

  constructor(settings: PeerSettings, options: PeerOptions) {
    this.#options = options
    this.#settings = settings
    this.#log = options.log.child({ peer: settings.key, neighbor: formatIp(settings.neighbor) })
    this.#sinceMs = options.clock.wallMs()
    this.#sender = new Sender(new AdjRibOut(options.interner), options.clock, this.#sent, options.isReady)
    this.#sender.setInterval(settings.minAdvertisementMs ?? 0)
    this.#handlers = {
      dial: () => dialTcp(dialTarget(this.#settings)),
      event: (track, event) => this.#event(track, event),
      act: (track, action) => this.#act(track, action),
      sent: ({ type }) => this.#sent.add(type),
      received: ({ type }) => this.#received.add(type),
      drain: (track) => {
        if (track === this.#track) this.#sender.drain()
      },
    }
    const seed = Math.floor(options.random() * 2 ** 32)
    this.#track = new Track(initialState(settings, seed), options.clock, this.#handlers)
  }

  get settings(): PeerSettings {
    return this.#settings
  }

  start(): void {
    this.#event(this.#track, this.#settings.adminDown ? stop('administrativeShutdown') : { name: 'ManualStart' })
  }

  /** Takes other settings; the session is reset only when the peer must hear of the change. */
  configure(settings: PeerSettings): void {
    const before = this.#settings
    const reason = resetReason(before, settings)
    if (reason !== undefined) {
      this.#log.info('session reset by a change of its settings', { reason })
      const name = 'AutomaticStop'
      this.#event(this.#track, { name, subcode: ceaseSubcodes.otherConfigurationChange, detail: reason })
      this.#dropSecond()
    }
    this.#settings = settings
    this.#track.state = withSettings(this.#track.state, settings)
    this.#sender.setInterval(settings.minAdvertisementMs ?? 0)
    if (settings.adminDown !== before.adminDown) this.start()
    else if (reason !== undefined && !settings.adminDown) this.#event(this.#track, { name: 'AutomaticStart' })
    else if (this.#negotiated !== undefined && isSentOtherwise(before, settings)) {
      this.#sender.change(this.#outbound(this.#negotiated))
    }
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

  /** Takes or closes a connection that the peer dialled. */
  accept(socket: Socket, localAddress: Ip): void {
    const { name } = this.#track.state
    if (name === 'IDLE') {
      // Held back after a failure, but the peer is there: RFC 4271 leaves the automatic start to us.
      this.#event(this.#track, { name: 'AutomaticStart_with_PassiveTcpEstablishment' })
      if (this.#track.state.name === 'IDLE') return void socket.destroy()
      this.#track.accept(socket, localAddress)
    } else if (name === 'ACTIVE') {
      this.#track.accept(socket, localAddress)
    } else {
      // Also while our own dial is under way: were it given up here, and the peer's there, both would be lost.
      this.#dropSecond()
      const { settings, restarted, connectRetryCounter, seed } = this.#track.state
      const waiting = { name: 'ACTIVE' as const, settings, restarted, connectRetryCounter, seed }
      this.#second = new Track(waiting, this.#options.clock, this.#handlers)
      this.#second.accept(socket, localAddress)
    }
    this.#reportChange()
  }

  /** See Bgp.close; `remove`: the peer is configured no more. */
  async close(how: 'restart' | 'leave' | 'remove'): Promise<void> {
    this.#dropSecond()
    const isKept = how === 'restart' && this.#negotiated?.gracefulRestart === true
    if (how !== 'remove') {
      if (!isKept) this.#sender.withdrawAll()
      await this.#flush()
    }
    const event = isKept
      ? ({ name: 'TcpConnectionFails', why: 'closed for a restart' } as const)
      : stop(how === 'remove' ? 'peerDeconfigured' : 'administrativeShutdown')
    const track = this.#track
    this.#event(track, event)
    track.timers.disarmAll()
    await track.ended
  }

  report(): SessionReport {
    const { state } = this.#track
    const up = this.#negotiated
    return {
      key: this.#settings.key,
      state: state.name,
      since: this.#sinceMs,
      ...('localAddress' in state ? { localAddress: state.localAddress } : {}),
      ...(up === undefined ? {} : { remoteRouterId: up.remoteRouterId, negotiatedHoldTimeMs: up.holdTimeMs }),
      families: up?.families ?? [],
      addPath: up?.addPathSend ?? [],
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      flaps: this.#flaps,
      prefixesWanted: this.#sender.rib.wantedCount,
      prefixesSent: this.#sender.rib.sentCount,
      messages: { sent: this.#sent.read(), received: this.#received.read() },
    }
  }

  async #flush(): Promise<void> {
    const limit = new AbortController()
    await Promise.race([this.#sender.drained(), pause(this.#options.clock, flushLimitMs, limit.signal)])
    limit.abort()
  }

  #event(track: Track, event: SessionEvent): void {
    const chosen = event.name === 'BGPOpen' ? this.#settleCollision(track, event) : track
    chosen?.dispatch(event)
    this.#dropFailed()
    this.#reportChange()
  }

  // RFC 4271 §6.8, when an OPEN has come while there are two connections: the track that the OPEN goes on with, if its
  // connection stays.
  #settleCollision(track: Track, { open }: Extract<SessionEvent, { readonly name: 'BGPOpen' }>): Track | undefined {
    const second = this.#second
    if (second === undefined) return track
    const negotiated = negotiate(this.#settings, open)
    if (isWireError(negotiated)) return track
    const { remoteRouterId, peerAs: remoteAs } = negotiated
    if (survivorOf({ present: this.#track.state, remoteRouterId, remoteAs }) === 'incoming') this.#promoteSecond()
    else this.#dropSecond()
    return track === this.#track ? track : undefined
  }

  #promoteSecond(): void {
    const second = this.#second
    if (second === undefined) return
    const first = this.#track
    this.#second = undefined
    if (first.state.name === 'ESTABLISHED') {
      // RFC 4724 §4.2: the peer has restarted; what is left of its old connection is closed without a word.
      first.dispatch({ name: 'TcpConnectionFails', why: 'the peer has opened a new connection' })
    }
    this.#track = second
    if (first.state.name !== 'IDLE') first.dispatch({ name: 'OpenCollisionDump' })
    first.timers.disarmAll()
  }

  #dropSecond(): void {
    const second = this.#second
    if (second === undefined) return
    this.#second = undefined
    second.dispatch({ name: 'OpenCollisionDump' })
    second.dispose()
  }

  // One of two connections has failed by itself: the other goes on.
  #dropFailed(): void {
    const second = this.#second
    if (second === undefined) return
    const isGone = ({ state }: Track): boolean => state.name === 'IDLE' || state.name === 'ACTIVE'
    if (isGone(second)) {
      this.#second = undefined
      second.dispose()
    } else if (isGone(this.#track) && !this.#settings.adminDown) {
      this.#track.dispose()
      this.#track = second
      this.#second = undefined
    }
  }

  #act(track: Track, action: Action): void {
    if (action.do === 'deliver') this.#count(action.update)
    // Only the session's own: not what became of a connection that has lost to another.
    if (track !== this.#track) return
    if (action.do === 'down' && this.#second !== undefined && this.#negotiated === undefined) return
    if (action.do === 'up') this.#up(action.negotiated)
    else if (action.do === 'down') this.#down(action.reason)
    else if (action.do === 'refresh') this.#sender.refresh(action.refresh)
  }

  #up(negotiated: Negotiated): void {
    const { connection } = this.#track
    if (connection === undefined) return
    this.#negotiated = negotiated
    this.#sinceMs = this.#options.clock.wallMs()
    this.#log.info('session established', { families: negotiated.families, addPath: negotiated.addPathSend })
    const { enhancedRouteRefresh } = negotiated
    this.#sender.begin(connection, this.#outbound(negotiated), enhancedRouteRefresh)
  }

  #down(reason: string): void {
    if (reason !== this.#lastError || this.#negotiated !== undefined) this.#log.info('session down', { reason })
    this.#lastError = reason
    if (this.#negotiated === undefined) return
    this.#negotiated = undefined
    this.#flaps++
    this.#sinceMs = this.#options.clock.wallMs()
    this.#sender.end()
  }

  // Routes received are of no use here: counted and dropped.
  #count({ withdrawn, attributes, faults }: Update): void {
    this.#received.addWithdrawn(withdrawn.length + (attributes.mpUnreach?.withdrawn.length ?? 0))
    for (const { class: errorClass, detail } of faults) this.#log.debug('damaged UPDATE', { errorClass, detail })
  }

  #outbound(negotiated: Negotiated): Outbound {
    const { localAs, addPathSendMax } = this.#settings
    return new Outbound({ localAs, addPathSendMax, negotiated, self: this.#selfOf() })
  }

  #selfOf(): (family: Family) => Ip | undefined {
    const { state } = this.#track
    const local = 'localAddress' in state ? state.localAddress : undefined
    const other = local === undefined ? undefined : (this.#settings.otherFamilyAddress ?? otherFamilyAddress(local))
    return (family) => (local?.family === family ? local : other?.family === family ? other : undefined)
  }

  #reportChange(): void {
    const { name } = this.#track.state
    if (name === this.#reported) return
    this.#reported = name
    this.#options.onChange(this.report())
  }
}

function stop(subcode: keyof typeof ceaseSubcodes): SessionEvent {
  return { name: 'ManualStop', subcode: ceaseSubcodes[subcode] }
}

// What changes routes, but not the session.
function isSentOtherwise(before: PeerSettings, after: PeerSettings): boolean {
  const address = ({ otherFamilyAddress: ip }: PeerSettings): string | undefined => ip && formatIp(ip)
  return before.addPathSendMax !== after.addPathSendMax || address(before) !== address(after)
}
