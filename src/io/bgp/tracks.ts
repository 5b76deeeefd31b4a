import type { Socket } from 'node:net'

import type { Ip } from '../../core/address/index.ts'
import type { PeerSettings } from '../../core/bgp/index.ts'
import {
  type Action,
  type SessionEvent,
  type SessionState,
  initialState,
  negotiate,
  survivorOf,
  withSettings,
} from '../../core/bgp/session/index.ts'
import { type Message, isWireError } from '../../core/bgp/wire/index.ts'
import type { Clock } from '../process/clock.ts'
import { Track, type TrackHandlers } from './track.ts'

export interface TracksHandlers {
  readonly dial: () => Socket
  /** Of the session alone, not of what became of a connection that has lost to another. */
  readonly act: (action: Action) => void
  readonly sent: (message: Message) => void
  readonly received: (message: Message) => void
  /** The session's socket takes more again. */
  readonly drain: () => void
  /** An event was worked through; the state may be another. */
  readonly changed: () => void
}

/** The session of one peer and, until RFC 4271 §6.8 has chosen, the second connection beside it. */
export class Tracks {
  readonly #clock: Clock
  readonly #handlers: TracksHandlers
  readonly #trackHandlers: TrackHandlers
  #settings: PeerSettings
  #current: Track
  #second: Track | undefined
  #isUp = false

  constructor(settings: PeerSettings, seed: number, clock: Clock, handlers: TracksHandlers) {
    this.#settings = settings
    this.#clock = clock
    this.#handlers = handlers
    this.#trackHandlers = {
      dial: handlers.dial,
      event: (track, event) => this.#event(track, event),
      act: (track, action) => this.#act(track, action),
      sent: handlers.sent,
      received: handlers.received,
      drain: (track) => {
        if (track === this.#current) handlers.drain()
      },
    }
    this.#current = new Track(initialState(settings, seed), clock, this.#trackHandlers)
  }

  get state(): SessionState {
    return this.#current.state
  }

  get current(): Track {
    return this.#current
  }

  configure(settings: PeerSettings): void {
    const wasPassive = this.#settings.passive
    this.#settings = settings
    this.#current.state = withSettings(this.#current.state, settings)
    // No timer runs while a passive session waits for the peer to dial: nothing else would ever have us dial.
    if (wasPassive && !settings.passive && this.state.name === 'ACTIVE')
      this.event({ name: 'ConnectRetryTimer_Expires' })
  }

  /** An event of the session. */
  event(event: SessionEvent): void {
    this.#event(this.#current, event)
  }

  /** Takes a connection that the peer dialled; false: the session is stopped, the connection is the caller's to close. */
  accept(socket: Socket, localAddress: Ip): boolean {
    const { name } = this.state
    if (name === 'IDLE') {
      // Held back after a failure, but the peer is there: RFC 4271 leaves the automatic start to us.
      this.event({ name: 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment' })
      if (this.state.name === 'IDLE') return false
      this.#current.accept(socket, localAddress)
    } else if (name === 'ACTIVE') {
      this.#current.accept(socket, localAddress)
    } else {
      // Also while our own dial is under way: were it given up here, and the peer's there, both would be lost.
      this.dropSecond()
      const { settings, restarted, connectRetryCounter, seed } = this.state
      const waiting = { name: 'ACTIVE' as const, settings, restarted, connectRetryCounter, seed }
      this.#second = new Track(waiting, this.#clock, this.#trackHandlers)
      this.#second.accept(socket, localAddress)
    }
    this.#handlers.changed()
    return true
  }

  dropSecond(): void {
    const second = this.#second
    if (second === undefined) return
    this.#second = undefined
    second.dispatch({ name: 'OpenCollisionDump' })
    second.dispose()
  }

  #event(track: Track, event: SessionEvent): void {
    const chosen = event.name === 'BGPOpen' ? this.#settleCollision(track, event) : track
    chosen?.dispatch(event)
    this.#dropFailed()
    this.#handlers.changed()
  }

  // When an OPEN has come while there are two connections: the track that the OPEN goes on with, if its connection stays.
  #settleCollision(track: Track, { open }: Extract<SessionEvent, { readonly name: 'BGPOpen' }>): Track | undefined {
    if (this.#second === undefined) return track
    const negotiated = negotiate(this.#settings, open)
    if (isWireError(negotiated)) return track
    const { remoteRouterId, peerAs: remoteAs } = negotiated
    if (survivorOf({ present: this.state, remoteRouterId, remoteAs }) === 'incoming') this.#promoteSecond(this.#second)
    else this.dropSecond()
    return track === this.#current ? track : undefined
  }

  #promoteSecond(second: Track): void {
    const first = this.#current
    this.#second = undefined
    if (first.state.name === 'ESTABLISHED') {
      // RFC 4724 §4.2: the peer has restarted; what is left of its old connection is closed without a word.
      first.dispatch({ name: 'TcpConnectionFails', why: 'the peer has opened a new connection' })
    }
    this.#current = second
    if (first.state.name !== 'IDLE') first.dispatch({ name: 'OpenCollisionDump' })
    first.timers.disarmAll()
  }

  // One of two connections has failed by itself: the other goes on.
  #dropFailed(): void {
    const second = this.#second
    if (second === undefined) return
    const isGone = ({ state }: Track): boolean => state.name === 'IDLE' || state.name === 'ACTIVE'
    if (isGone(second)) {
      this.#second = undefined
      second.dispose()
    } else if (isGone(this.#current) && !this.#settings.adminDown) {
      this.#current.dispose()
      this.#current = second
      this.#second = undefined
    }
  }

  #act(track: Track, action: Action): void {
    if (track !== this.#current) return
    // An attempt that has failed while another goes on is no news.
    if (action.do === 'down' && this.#second !== undefined && !this.#isUp) return
    if (action.do === 'up') this.#isUp = true
    if (action.do === 'down') this.#isUp = false
    this.#handlers.act(action)
  }
}
