// Plays a script that begins with `peer`: all of what runs for one peer, with sockets made of the script and a clock that
// stands still. See README.md.
import { parsePrefix } from '../../../src/core/address/index.ts'
import type { PeerSettings, SessionReport } from '../../../src/core/bgp/index.ts'
import { PathInterner } from '../../../src/core/bgp/rib/index.ts'
import {
  type Message,
  type UpdateContext,
  decodeMessage,
  encodeMessage,
  endOfRibOf,
  extendedMaxLength,
  isWireError,
  nextFrame,
} from '../../../src/core/bgp/wire/index.ts'
import { Peer } from '../../../src/io/bgp/peer.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { plainPeer } from '../../fixtures/bgp/played-peer.ts'
import { manualClock, settle } from '../../unit/io/process/manual-clock.ts'
import { ScriptSocket } from './script-socket.ts'
import { describeMessage, describeUpdate, ip, readFamilies, readMessage, readPath, readWords } from './words.ts'

/** What we do in answer to each `>` line, as `<` lines; the whole script as it should read. */
export async function playPeerScript(script: string): Promise<string> {
  let stage: Stage | undefined
  const told: string[] = []
  for (const line of script.split('\n').filter((each) => !each.startsWith('<'))) {
    told.push(line)
    if (line.startsWith('peer ')) stage = new Stage(readPeer(line.slice('peer '.length)))
    if (!line.startsWith('> ')) continue
    if (stage === undefined) throw new Error('a script begins with its peer')
    told.push(...(await stage.happen(line.slice(2))).map((each) => `< ${each}`))
  }
  await stage?.end()
  return told.join('\n')
}

class Stage {
  readonly #clock = manualClock()
  readonly #peer: Peer
  readonly #sockets = new Map<string, ScriptSocket>()
  #settings: PeerSettings
  /** How we write UPDATEs, by what the router's OPEN says. */
  #context: UpdateContext = { fourOctetAs: true, addPath: [], external: true }
  #told: string[] = []

  constructor(settings: PeerSettings) {
    this.#settings = settings
    this.#peer = new Peer(settings, {
      ...{ clock: this.#clock, random: () => 0.999_999, log: silentLog, interner: new PathInterner() },
      ...{ isReady: false, gracefulShutdownMs: 1000 },
      onChange: (report) => this.#changed(report),
      onReset: (_key, reason) => this.#told.push(`event: ${reason}`),
      dial: () => this.#dial(),
    })
  }

  async happen(text: string): Promise<readonly string[]> {
    this.#told = []
    const [word = '', ...rest] = text.split(' ')
    const { prefixesReceived, messages } = this.#peer.report()
    await this.#do(word, rest)
    await this.#settle()
    const after = this.#peer.report()
    const come = after.prefixesReceived - prefixesReceived
    const gone = after.messages.received.withdrawPrefix - messages.received.withdrawPrefix
    if (come > 0 || gone > 0) this.#told.push(`received and dropped: ${come} announced, ${gone} withdrawn`)
    return this.#told
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.destroy()
    void this.#peer.close('replace')
    await this.#settle()
  }

  async #do(word: string, rest: readonly string[]): Promise<void> {
    const text = rest.join(' ')
    if (word === 'start') this.#peer.start()
    else if (word === 'connected') this.#socket('dialled').emit('connect')
    else if (word === 'refused') this.#break('dialled', 'ECONNREFUSED')
    else if (word === 'reset') this.#break(rest[0] ?? 'dialled', 'ECONNRESET')
    else if (word === 'accepted') this.#accept()
    else if (word === 'wait') await this.#clock.advance(readMs(rest))
    else if (word === 'want') this.#want(text)
    else if (word === 'ready') this.#peer.ready()
    else if (word === 'change') this.#change({ ...this.#settings, ...readChange(rest) })
    else if (word === 'leave' || word === 'restart') void this.#peer.close(word)
    else if (word === 'router') this.#current().listen(text === 'reads')
    else if (word === 'dialled:' || word === 'accepted:') this.#send(word.slice(0, -1), rest)
    else this.#send(this.#current().name, [word, ...rest])
  }

  #want(text: string): void {
    const [prefixText = '', via = ''] = text.split(' via ')
    const prefix = parsePrefix(prefixText)
    if (prefix === undefined) throw new Error(`no prefix: ${prefixText}`)
    this.#peer.setPaths(prefix, via === 'nothing' ? [] : via.split(', ').map(readPath))
  }

  #change(settings: PeerSettings): void {
    this.#settings = settings
    this.#peer.configure(settings)
  }

  #dial(): ReturnType<typeof this.make>['asSocket'] {
    this.#told.push('dial')
    return this.make('dialled').asSocket
  }

  #accept(): void {
    const local = this.#settings.neighbor.family === 6 ? 'fd77::1' : '10.77.0.1'
    const socket = this.make('accepted')
    if (this.#peer.accept(socket.asSocket, ip(local))) return
    this.#told.push('not wanted')
    socket.destroy()
  }

  make(name: string): ScriptSocket {
    const local = this.#settings.neighbor.family === 6 ? 'fd77::1' : '10.77.0.1'
    const socket: ScriptSocket = new ScriptSocket(name, local, (bytes) => this.#sent(socket, bytes))
    socket.on('finish', () => {
      this.#told.push(`${this.#prefix(socket)}close`)
      // The router closes in answer.
      socket.destroy()
    })
    socket.on('close', () => {
      if (this.#sockets.get(name) === socket) this.#sockets.delete(name)
    })
    this.#sockets.set(name, socket)
    return socket
  }

  // With two connections each line says which.
  #prefix({ name }: ScriptSocket): string {
    return this.#sockets.size > 1 ? `${name}: ` : ''
  }

  #sent(socket: ScriptSocket, bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      const frame = nextFrame(bytes, at, extendedMaxLength)
      if (frame.kind !== 'frame') throw new Error('half a message was written')
      at += frame.length
      const message = decodeMessage(frame, this.#context)
      if (isWireError(message)) throw new Error(message.detail)
      this.#told.push(`${this.#prefix(socket)}${describe(message)}`)
    }
  }

  #send(name: string, [word = '', ...rest]: readonly string[]): void {
    const bytes = word === 'UPDATE' ? readUpdate(rest) : encodeMessage(this.#read(word, rest), this.#context)
    this.#socket(name).push(bytes)
  }

  #read(word: string, rest: readonly string[]): Message {
    const message = readMessage(word, rest)
    if (message.type === 'open') {
      const fourOctetAs = message.capabilities.some((each) => each.name === 'fourOctetAs')
      const takes = message.capabilities.flatMap((each) => (each.name === 'addPath' ? each.families : []))
      const addPath = takes.map(({ afi }) => (afi === 1 ? (4 as const) : (6 as const)))
      const external = this.#settings.localAs !== this.#settings.peerAs
      this.#context = { fourOctetAs, addPath: this.#settings.addPathSendMax > 1 ? addPath : [], external }
    }
    return message
  }

  #break(name: string, code: string): void {
    this.#socket(name).destroy(Object.assign(new Error(code), { code }))
  }

  #socket(name: string): ScriptSocket {
    const socket = this.#sockets.get(name)
    if (socket === undefined) throw new Error(`no connection is ${name}`)
    return socket
  }

  #current(): ScriptSocket {
    const socket = [...this.#sockets.values()].at(-1)
    if (socket === undefined) throw new Error('there is no connection')
    return socket
  }

  #changed({ state, lastError }: SessionReport): void {
    this.#told.push(`STATE ${state}${state === 'IDLE' && lastError !== undefined ? `: ${lastError}` : ''}`)
  }

  // What a socket does takes a few turns of the program.
  async #settle(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await settle()
      await this.#clock.advance(0)
    }
  }
}

function describe(message: Message): string {
  if (message.type === 'update') return `UPDATE ${describeUpdate(message, endOfRibOf(message) === undefined)}`
  if (message.type !== 'routeRefresh') return describeMessage(message)
  return `${['ROUTE-REFRESH', 'BoRR', 'EoRR'][message.subtype] ?? message.subtype} ${message.afi === 1 ? 4 : 6}`
}

function readPeer(text: string): PeerSettings {
  const words = text.split(' ')
  const base: PeerSettings = {
    ...plainPeer,
    key: 'leaf1',
    neighbor: ip('10.77.0.2'),
    remotePort: 179,
    routerId: ip('192.0.2.1'),
    holdTimeMs: 90_000,
    keepaliveMs: 30_000,
    connectRetryMs: 5000,
    otherFamilyAddress: ip('fd77::1'),
  }
  const settings = { ...base, ...readChange(words) }
  if (settings.neighbor.family === 4) return settings
  const { otherFamilyAddress: _none, ...rest } = settings
  return rest
}

const switches = ['passive', 'active', 'admin-down', 'admin-up', 'graceful-restart', 'graceful-notification']

function readChange(words: readonly string[]): Partial<PeerSettings> {
  const on = switches.filter((word) => words.includes(word))
  const read = readWords(words.filter((word) => !switches.includes(word)))
  const number = (name: string): number => Number(read[name])
  return {
    ...('as' in read ? { localAs: number('as') } : {}),
    ...('peer-as' in read ? { peerAs: number('peer-as') } : {}),
    ...('id' in read ? { routerId: ip(read['id'] ?? '') } : {}),
    ...('neighbor' in read ? { neighbor: ip(read['neighbor'] ?? '') } : {}),
    ...('hold' in read ? { holdTimeMs: number('hold') * 1000 } : {}),
    ...('families' in read ? { families: readFamilies(read['families'] ?? '') } : {}),
    ...('add-path' in read ? { addPathSendMax: number('add-path') } : {}),
    ...('min-advertisement' in read ? { minAdvertisementMs: number('min-advertisement') * 1000 } : {}),
    ...('password' in read ? { password: read['password'] ?? '' } : {}),
    ...(on.includes('passive') ? { passive: true } : {}),
    ...(on.includes('active') ? { passive: false } : {}),
    ...(on.includes('admin-down') ? { adminDown: true } : {}),
    ...(on.includes('admin-up') ? { adminDown: false } : {}),
    ...(on.includes('graceful-restart') ? { gracefulRestart: { restartTimeMs: 30_000 } } : {}),
    ...(on.includes('graceful-notification') ? { gracefulRestart: { restartTimeMs: 30_000, notification: true } } : {}),
  }
}

function readMs([amount = '', unit = '']: readonly string[]): number {
  return Number(amount) * (unit === 'ms' ? 1 : 1000)
}

// `withdrawn HEX attributes HEX nlri HEX`, each in octets.
function readUpdate(words: readonly string[]): Uint8Array {
  const fields: Record<string, number[]> = { withdrawn: [], attributes: [], nlri: [] }
  let field: number[] = []
  for (const word of words) {
    if (word in fields) field = fields[word] ?? field
    else field.push(...Buffer.from(word, 'hex'))
  }
  const { withdrawn = [], attributes = [], nlri = [] } = fields
  const counted = (octets: readonly number[]): readonly number[] => [
    octets.length >>> 8,
    octets.length & 0xff,
    ...octets,
  ]
  const body = [...counted(withdrawn), ...counted(attributes), ...nlri]
  const length = 19 + body.length
  return Uint8Array.from([...Array<number>(16).fill(0xff), length >>> 8, length & 0xff, 2, ...body])
}
