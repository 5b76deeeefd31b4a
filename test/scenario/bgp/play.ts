// Plays one script: see README.md.
import { type Family, type Ip, formatIp, formatPrefix, parseIp, parsePrefix } from '../../../src/core/address/index.ts'
import type { Path } from '../../../src/core/bgp/index.ts'
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
import {
  type Capability,
  type Message,
  type Nlri,
  type Update,
  decodeMessage,
  decodeUpdate,
  describeNotification,
  endOfRibOf,
  familyOf,
  isWireError,
  keepalive,
  nextFrame,
  notification,
} from '../../../src/core/bgp/wire/index.ts'

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

const flags = ['passive', 'graceful-restart']

function readWords(words: readonly string[]): Readonly<Record<string, string>> {
  const read: Record<string, string> = {}
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    read[word] = flags.includes(word) ? '' : (words[++i] ?? '')
  }
  return read
}

function readFamilies(text: string): readonly Family[] {
  return text.split(',').map((family) => (family === '6' ? 6 : 4))
}

function readMessage(word: string, rest: readonly string[]): Message {
  const [first = ''] = rest
  if (word === 'KEEPALIVE') return keepalive
  if (word === 'UPDATE') return { type: 'update', withdrawn: [], attributes: {}, nlri: [], faults: [] }
  if (word === 'ROUTE-REFRESH') return { type: 'routeRefresh', afi: first === '6' ? 2 : 1, subtype: 0, safi: 1 }
  if (word === 'NOTIFICATION') {
    const [code = 0, subcode = 0] = first.split('/').map(Number)
    return notification(code, subcode)
  }
  if (word !== 'OPEN') throw new Error(`a script knows no ${word}`)
  const words = readWords(rest)
  const as = Number(words['as'] ?? 65002)
  const capabilities: Capability[] = [
    ...readFamilies(words['families'] ?? '4').map(
      (family) => ({ name: 'multiprotocol', afi: family === 4 ? 1 : 2, safi: 1 }) as const,
    ),
    { name: 'fourOctetAs', as },
    ...(words['add-path'] === undefined
      ? []
      : [
          {
            name: 'addPath',
            families: readFamilies(words['add-path']).map((family) => ({
              afi: family === 4 ? 1 : 2,
              safi: 1,
              send: false,
              receive: true,
            })),
          } as const,
        ]),
  ]
  return {
    type: 'open',
    version: 4,
    as: as > 0xffff ? 23456 : as,
    holdTimeSeconds: Number(words['hold'] ?? 90),
    routerId: ip(words['id'] ?? '192.0.2.2'),
    capabilities,
  }
}

function readPath(text: string): Path {
  const [hop = '', ...rest] = text.split(' ')
  const { med } = readWords(rest)
  // Our own path is 1; another's identifier is the last number of its address.
  const id = hop === 'self' ? 1 : Number(hop.split(/[.:]/).at(-1))
  return { id, nextHop: hop === 'self' ? hop : ip(hop), attributes: med === undefined ? {} : { med: Number(med) } }
}

function describeMessage(message: Message): string {
  if (message.type === 'notification') return `NOTIFICATION ${describeNotification(message)}`
  if (message.type !== 'open') return message.type.toUpperCase()
  const names = message.capabilities.map(({ name }) => name)
  return `OPEN as ${message.as} hold ${message.holdTimeSeconds} id ${formatIp(message.routerId)} ${names.join(' ')}`
}

function describeUpdate(update: Update): string {
  const end = endOfRibOf(update)
  if (end !== undefined) return `end-of-rib ${end}`
  const { attributes, withdrawn, nlri } = update
  const name = ({ prefix, pathId }: Nlri): string => `${formatPrefix(prefix)}${pathId === 0 ? '' : `#${pathId}`}`
  const gone = [...withdrawn, ...(attributes.mpUnreach?.withdrawn ?? [])].map((each) => `-${name(each)}`)
  const come = [...nlri, ...(attributes.mpReach?.nlri ?? [])].map((each) => `+${name(each)}`)
  const nextHop = attributes.nextHop ?? attributes.mpReach?.nextHops[0]
  const via = nextHop === undefined ? [] : [`via ${formatIp(nextHop)}`]
  const med = attributes.med === undefined ? [] : [`med ${attributes.med}`]
  return [...gone, ...come, ...via, ...med].join(' ')
}

function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (parsed === undefined) throw new Error(`no address: ${text}`)
  return parsed
}
