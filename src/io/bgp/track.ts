import type { Socket } from 'node:net'

import { type Ip, parseIp } from '../../core/address/index.ts'
import {
  type Action,
  type SessionEvent,
  type SessionState,
  type TimerName,
  eventOfMessage,
  receiveContext,
  step,
} from '../../core/bgp/session/index.ts'
import {
  type Frame,
  type Message,
  type WireError,
  decodeMessage,
  encodeMessage,
  isWireError,
  standardMaxLength,
} from '../../core/bgp/wire/index.ts'
import { SocketError } from '../net/libc.ts'
import { describeTcpError } from '../net/tcp.ts'
import type { Clock } from '../process/clock.ts'
import { Connection } from './connection.ts'
import { SessionTimers } from './timers.ts'

export interface TrackHandlers {
  readonly dial: () => Socket
  /** An event is due; whoever owns the track gives it to `dispatch`, unless a collision is to be settled first. */
  readonly event: (track: Track, event: SessionEvent) => void
  /** Actions that are not the track's own: up, down, deliver, refresh. */
  readonly act: (track: Track, action: Action) => void
  readonly sent: (message: Message) => void
  readonly received: (message: Message) => void
  readonly drain: (track: Track) => void
}

const timerEvents = {
  connectRetry: 'ConnectRetryTimer_Expires',
  hold: 'HoldTimer_Expires',
  keepalive: 'KeepaliveTimer_Expires',
  idleHold: 'IdleHoldTimer_Expires',
} as const

// RFC 4271 §4.2: before an OPEN nothing is negotiated, and only UPDATEs ask.
const beforeOpen = { fourOctetAs: false, addPath: [], external: true }

/** One state of the session machine with the connection and the timers it speaks of. */
export class Track {
  state: SessionState
  readonly timers: SessionTimers
  /** Resolved when the connection closed last is gone. */
  ended: Promise<void> = Promise.resolve()
  readonly #clock: Clock
  readonly #handlers: TrackHandlers
  #connection: Connection | undefined
  #dialling: Socket | undefined

  constructor(state: SessionState, clock: Clock, handlers: TrackHandlers) {
    this.state = state
    this.#clock = clock
    this.#handlers = handlers
    this.timers = new SessionTimers(clock, (name: TimerName) => handlers.event(this, { name: timerEvents[name] }))
  }

  get connection(): Connection | undefined {
    return this.#connection
  }

  /** The machine's answer to an event: the next state, and its actions performed. */
  dispatch(event: SessionEvent): void {
    const { state, actions } = step(this.state, event, this.#clock.nowMs())
    this.state = state
    for (const action of actions) this.#perform(action)
  }

  /** Takes a connection that the peer dialled; in ACTIVE only. */
  accept(socket: Socket, localAddress: Ip): void {
    this.#attach(socket)
    this.dispatch({ name: 'TcpConnectionConfirmed', localAddress })
  }

  /** Nothing of this track is heard of any more. */
  dispose(): void {
    this.timers.disarmAll()
    this.#abandonDial()
    this.#connection?.abandon()
    this.#connection = undefined
  }

  #perform(action: Action): void {
    if (action.do === 'armTimer') this.timers.arm(action.timer, action.at)
    else if (action.do === 'disarmTimer') this.timers.disarm(action.timer)
    else if (action.do === 'connect') this.#dial()
    else if (action.do === 'send') this.#send(action.message)
    else if (action.do === 'close') this.#close()
    else this.#handlers.act(this, action)
  }

  #dial(): void {
    let socket: Socket
    try {
      socket = this.#handlers.dial()
    } catch (error) {
      if (!(error instanceof SocketError)) throw error
      // Not within the step that asked for it.
      const why = describeTcpError(error)
      this.#clock.after(0, () => {
        if (this.state.name === 'CONNECT') this.#handlers.event(this, { name: 'TcpConnectionFails', why })
      })
      return
    }
    this.#dialling = socket
    const isCurrent = (): boolean => this.#dialling === socket
    socket.once('error', (error) => {
      if (!isCurrent()) return
      this.#dialling = undefined
      this.#handlers.event(this, { name: 'TcpConnectionFails', why: describeTcpError(error) })
    })
    socket.once('connect', () => {
      if (!isCurrent()) return
      this.#dialling = undefined
      const localAddress = parseIp(socket.localAddress ?? '')
      if (localAddress === undefined) {
        socket.destroy()
        this.#handlers.event(this, { name: 'TcpConnectionFails', why: 'connection reset by peer' })
        return
      }
      this.#attach(socket)
      this.#handlers.event(this, { name: 'Tcp_CR_Acked', localAddress })
    })
  }

  #attach(socket: Socket): void {
    const connection: Connection = new Connection(socket, this.#clock, {
      maxMessageLength: () => ('negotiated' in this.state ? this.state.negotiated.maxMessageLength : standardMaxLength),
      receive: (frame) => {
        if (this.#connection === connection) this.#receive(frame)
      },
      fail: (why) => {
        if (this.#connection !== connection) return
        this.#connection = undefined
        this.#handlers.event(this, { name: 'TcpConnectionFails', why })
      },
      drain: () => this.#handlers.drain(this),
    })
    this.#connection = connection
  }

  #receive(frame: Frame | WireError): void {
    const context = 'negotiated' in this.state ? receiveContext(this.state.negotiated) : beforeOpen
    const message = frame.kind === 'error' ? frame : decodeMessage(frame, context)
    if (!isWireError(message)) this.#handlers.received(message)
    this.#handlers.event(this, eventOfMessage(message))
  }

  #send(message: Message): void {
    if (this.#connection === undefined) return
    this.#connection.write(encodeMessage(message, beforeOpen))
    this.#handlers.sent(message)
  }

  #close(): void {
    this.#abandonDial()
    if (this.#connection !== undefined) this.ended = this.#connection.end()
    this.#connection = undefined
  }

  #abandonDial(): void {
    const socket = this.#dialling
    this.#dialling = undefined
    // An error that is still on its way has nobody to go to.
    socket?.on('error', () => {})
    socket?.destroy()
  }
}
