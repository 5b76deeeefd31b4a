// Plays a script that begins with `session`: the machine and the Adj-RIB-Out alone. See README.md.
import { type Family, type Ip, parsePrefix } from '../../../src/core/address/index.ts'
import { AdjRibOut, Outbound, endOfRib, nextUpdates } from '../../../src/core/bgp/rib/index.ts'
import {
  type Action,
  type Negotiated,
  type SessionEvent,
  type SessionSettings,
  type SessionState,
  type TimerName,
  eventOfMessage,
  initialState,
  receiveContext,
  step,
} from '../../../src/core/bgp/session/index.ts'
import { decodeMessage, decodeUpdate, familyOf, isWireError, nextFrame } from '../../../src/core/bgp/wire/index.ts'
import { describeMessage, describeUpdate, ip, readFamilies, readMessage, readPath, readWords } from './words.ts'

const local: Readonly<Record<Family, Ip>> = { 4: ip('10.77.0.1'), 6: ip('fd77::1') }

/** What we do in answer to each `>` line, as `<` lines; the whole script as it should read. */
export function playScript(script: string): string {
  const lines = script.split('\n').filter((line) => !line.startsWith('<'))
  let session: Session | undefined
  const told: string[] = []
  for (const line of lines) {
    told.push(line)
    if (line.startsWith('session ')) session = new Session(readSettings(line))
    if (!line.startsWith('> ')) continue
    if (session === undefined) throw new Error('a script begins with its session')
    told.push(...session.happen(line.slice(2)).map((each) => `< ${each}`))
  }
  return told.join('\n')
}

class Session {
  readonly #settings: SessionSettings
  readonly #rib = new AdjRibOut()
  readonly #timers = new Map<TimerName, number>()
  #state: SessionState
  #outbound: Outbound | undefined
  #now = 0
  #told: string[] = []

  constructor(settings: SessionSettings) {
    this.#settings = settings
    this.#state = initialState(settings, 1)
  }

  happen(text: string): readonly string[] {
    this.#told = []
    const [word = '', ...rest] = text.split(' ')
    if (word === 'want') this.#want(rest.join(' '))
    else this.#dispatch(this.#event(word, rest))
    this.#update()
    return this.#told
  }

  #event(word: string, rest: readonly string[]): SessionEvent {
    const [first = ''] = rest
    switch (word) {
      case 'start':
        return { name: 'ManualStart' }
      case 'passive-start':
        return { name: 'ManualStart_with_PassiveTcpEstablishment' }
      case 'stop':
        return { name: 'ManualStop', subcode: 2 }
      case 'connected':
        return { name: 'Tcp_CR_Acked', localAddress: local[4] }
      case 'accepted':
        return { name: 'TcpConnectionConfirmed', localAddress: local[4] }
      case 'refused':
        return { name: 'TcpConnectionFails', why: 'connection refused' }
      case 'reset':
        return { name: 'TcpConnectionFails', why: 'connection reset by peer' }
      case 'timer':
        return this.#expire(first as TimerName)
      case 'BYTES':
        return this.#bytes(rest)
      default:
        return eventOfMessage(readMessage(word, rest))
    }
  }

  #expire(name: TimerName): SessionEvent {
    const at = this.#timers.get(name)
    if (at === undefined) throw new Error(`timer ${name} does not run`)
    this.#timers.delete(name)
    this.#now = Math.max(this.#now, at)
    const names = {
      connectRetry: 'ConnectRetryTimer_Expires',
      hold: 'HoldTimer_Expires',
      keepalive: 'KeepaliveTimer_Expires',
      idleHold: 'IdleHoldTimer_Expires',
    } as const
    return { name: names[name] }
  }

  #bytes(pairs: readonly string[]): SessionEvent {
    const frame = nextFrame(Uint8Array.from(pairs.map((pair) => Number.parseInt(pair, 16))), 0, 4096)
    if (frame.kind === 'needs-more') throw new Error(`${frame.octets} octets are missing`)
    if (frame.kind === 'error') return eventOfMessage(frame)
    const before = { fourOctetAs: false, addPath: [], external: true }
    const context = 'negotiated' in this.#state ? receiveContext(this.#state.negotiated) : before
    return eventOfMessage(decodeMessage(frame, context))
  }

  #dispatch(event: SessionEvent): void {
    const before = this.#state.name
    const { state, actions } = step(this.#state, event, this.#now)
    this.#state = state
    for (const action of actions) this.#perform(action)
    if (state.name !== before) this.#told.push(`STATE ${state.name}`)
  }

  #perform(action: Action): void {
    if (action.do === 'armTimer') {
      this.#timers.set(action.timer, action.at)
      const isExact = action.timer === 'hold'
      this.#told.push(`timer ${action.timer}${isExact ? ` ${(action.at - this.#now) / 1000} s` : ''}`)
    } else if (action.do === 'disarmTimer') {
      if (this.#timers.delete(action.timer)) this.#told.push(`timer ${action.timer} off`)
    } else if (action.do === 'send') this.#told.push(`send ${describeMessage(action.message)}`)
    else if (action.do === 'down') this.#down(action.reason)
    else if (action.do === 'up') this.#up(action.negotiated)
    else if (action.do === 'refresh') {
      const family = familyOf(action.refresh.afi, action.refresh.safi)
      if (family !== undefined) this.#rib.refresh(family)
    } else if (action.do !== 'deliver') this.#told.push(action.do)
  }

  #up(negotiated: Negotiated): void {
    const { localAs, addPathSendMax } = this.#settings
    this.#outbound = new Outbound({ localAs, addPathSendMax, negotiated, self: (family) => local[family] })
    this.#rib.forgetSent()
    this.#update()
    for (const family of negotiated.families) this.#tell(endOfRib(family, this.#outbound.context))
  }

  #down(reason: string): void {
    this.#told.push(`down: ${reason}`)
    this.#outbound = undefined
  }

  #want(text: string): void {
    const [prefixText = '', via = ''] = text.split(' via ')
    const prefix = parsePrefix(prefixText)
    if (prefix === undefined) throw new Error(`no prefix: ${prefixText}`)
    this.#rib.setPaths(prefix, via === 'nothing' ? [] : via.split(', ').map(readPath))
  }

  #update(): void {
    if (this.#outbound === undefined) return
    for (const { bytes } of nextUpdates(this.#rib, this.#outbound)) this.#tell(bytes)
  }

  #tell(bytes: Uint8Array): void {
    if (this.#outbound === undefined) return
    const update = decodeUpdate(bytes.subarray(19), this.#outbound.context)
    if (isWireError(update)) throw new Error(update.detail)
    this.#told.push(`UPDATE ${describeUpdate(update)}`)
  }
}

function readSettings(line: string): SessionSettings {
  const words = readWords(line.split(' ').slice(1))
  return {
    localAs: Number(words['as'] ?? 65001),
    peerAs: Number(words['peer-as'] ?? 65002),
    routerId: ip(words['id'] ?? '192.0.2.1'),
    neighbor: ip(words['neighbor'] ?? '10.77.0.2'),
    passive: 'passive' in words,
    holdTimeMs: Number(words['hold'] ?? 90) * 1000,
    keepaliveMs: 30_000,
    connectRetryMs: 5000,
    families: readFamilies(words['families'] ?? '4'),
    addPathSendMax: Number(words['add-path'] ?? 0),
    ...('graceful-restart' in words ? { gracefulRestart: { restartTimeMs: 30_000 } } : {}),
  }
}
