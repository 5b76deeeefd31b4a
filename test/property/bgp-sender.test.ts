// One peer from the Adj-RIB-Out to the socket, against a naive model of the peer: whatever is wanted and changed again,
// however little the socket takes, through lost connections and route refreshes, the peer ends up with what is wanted.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { type Prefix, formatIp, formatPrefix, parseIp, parsePrefix } from '../../src/core/address/index.ts'
import type { Path } from '../../src/core/bgp/index.ts'
import { AdjRibOut, type Outbound } from '../../src/core/bgp/rib/index.ts'
import { endOfRibOf } from '../../src/core/bgp/wire/index.ts'
import { Counts } from '../../src/io/bgp/counts.ts'
import { type RefreshTerms, Sender } from '../../src/io/bgp/sender.ts'
import { FakeSocket, readMessage } from '../unit/bgp/io/outlet.ts'
import { Router, outboundOf } from '../unit/bgp/rib/router.ts'
import { manualClock } from '../unit/io/process/manual-clock.ts'

const runs = process.env['BELLHOP_TEST_LONG'] === undefined ? 200 : 5000

const prefixes: readonly Prefix[] = [1, 2, 3, 4, 5].flatMap((digit) =>
  [`192.0.2.${digit}/32`, `2001:db8::${digit}/128`].map((text) => parsePrefix(text) ?? assert.fail(text)),
)
const hops = { 4: ['self', '10.77.0.3', '10.77.0.4'], 6: ['self', 'fd77::3', 'fd77::4'] } as const
/** A socket that is full after a few small messages. */
const limit = 150
const longest = 4096

type Command =
  | { readonly do: 'want'; readonly index: number; readonly hops: readonly number[]; readonly med: number }
  /** So many messages at most are read by the peer. */
  | { readonly do: 'read'; readonly messages: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'refresh'; readonly afi: number }
  | { readonly do: 'interval'; readonly ms: number }
  /** Nothing changes any more for a while, and the peer reads all. */
  | { readonly do: 'settle' }
  | { readonly do: 'ready' | 'reconnect' }

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('want' as const),
      index: fc.nat({ max: prefixes.length - 1 }),
      hops: fc.uniqueArray(fc.nat({ max: 2 }), { maxLength: 3 }),
      med: fc.nat({ max: 1 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), messages: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat({ max: 25 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refresh' as const), afi: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('interval' as const), ms: fc.constantFrom(0, 40) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'ready' as const, 'reconnect' as const) }),
  },
)

/** Remembers how many changes had been asked for when a message was written. */
class DatedSocket extends FakeSocket {
  readonly #now: () => number
  readonly #dates = new WeakMap<Uint8Array, number>()

  constructor(now: () => number) {
    super(limit)
    this.#now = now
  }

  override write(bytes: Uint8Array, written?: () => void): boolean {
    this.#dates.set(bytes, this.#now())
    return super.write(bytes, written)
  }

  dateOf(bytes: Uint8Array): number {
    return this.#dates.get(bytes) ?? assert.fail('never written')
  }
}

class Stage {
  readonly clock = manualClock()
  readonly wanted = new Map<string, readonly Path[]>()
  #changes = 0
  /** By prefix, the change with which it began to be wanted without a break. */
  readonly #since = new Map<string, number>()
  readonly outbound: Outbound
  readonly sender: Sender
  readonly enhanced: boolean
  readonly #terms: RefreshTerms
  socket = new DatedSocket(() => this.#changes)
  router: Router
  intervalMs = 0
  isReady = false
  /** End-of-RIBs that this connection has seen. */
  ends = 0
  /** AFIs whose refresh has begun and not ended; asked for again meanwhile it begins anew, and ends once (RFC 7313 §4). */
  readonly open = new Set<number>()
  /** What the peer has and what stayed wanted since: it may never be without. */
  readonly steady = new Set<string>()

  constructor(withPaths: boolean, enhanced: boolean) {
    this.enhanced = enhanced
    this.#terms = { enhancedRouteRefresh: enhanced, gracefulRestart: true }
    this.outbound = outboundOf({ families: [4, 6], addPathSend: withPaths ? [4, 6] : [] }, { addPathSendMax: 2 })
    this.router = new Router(this.outbound)
    this.sender = new Sender(new AdjRibOut(), {
      ...{ clock: this.clock, random: () => 1, counts: new Counts(), isReady: false },
    })
    this.sender.begin(this.socket, this.outbound, this.#terms)
  }

  async do(each: Command): Promise<void> {
    if (each.do === 'want') this.#want(each)
    else if (each.do === 'read') this.read(each.messages)
    else if (each.do === 'wait') await this.clock.advance(each.ms)
    else if (each.do === 'refresh') this.sender.refresh({ type: 'routeRefresh', afi: each.afi, safi: 1, subtype: 0 })
    else if (each.do === 'interval') this.sender.setInterval((this.intervalMs = each.ms))
    else if (each.do === 'reconnect') this.#reconnect()
    else if (each.do === 'ready') this.#ready()
    else await this.settle()
    assert.ok(this.socket.held <= limit + longest, `${this.socket.held} octets wait in the socket`)
  }

  read(messages: number): void {
    for (let i = 0; i < messages; i++) {
      const bytes = this.socket.take()
      if (bytes === undefined) break
      this.#take(bytes)
    }
    if (this.socket.held === 0) this.sender.drain()
  }

  /** 10 ms, or the interval, after the last change everything is written. */
  async settle(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      await this.clock.advance(i === 0 ? Math.max(10, this.intervalMs) : 0)
      this.read(Number.POSITIVE_INFINITY)
      if (this.socket.held === 0 && !this.sender.rib.isDirty) break
    }
    assert.deepEqual(this.router.read(), this.#expected())
    assert.deepEqual([...this.open], [], 'every refresh that has begun has ended')
  }

  #want({ index, hops: chosen, med }: Extract<Command, { do: 'want' }>): void {
    const prefix = prefixes[index] ?? assert.fail()
    const paths = chosen.map((hop): Path => {
      const text = hops[prefix.ip.family][hop] ?? 'self'
      return { id: hop + 1, nextHop: text === 'self' ? text : (parseIp(text) ?? assert.fail()), attributes: { med } }
    })
    this.#changes++
    this.sender.setPaths(prefix, paths)
    const key = formatPrefix(prefix)
    if (paths.length > 0) {
      if (!this.wanted.has(key)) this.#since.set(key, this.#changes)
      this.wanted.set(key, paths)
      return
    }
    this.steady.delete(key)
    this.wanted.delete(key)
    this.#since.delete(key)
  }

  #reconnect(): void {
    this.sender.end()
    this.socket = new DatedSocket(() => this.#changes)
    this.router = new Router(this.outbound)
    this.steady.clear()
    this.ends = 0
    this.open.clear()
    this.sender.begin(this.socket, this.outbound, this.#terms)
  }

  #ready(): void {
    this.isReady = true
    this.sender.ready()
  }

  #take(bytes: Uint8Array): void {
    const message = readMessage(bytes, this.outbound)
    if (message.type === 'routeRefresh') {
      assert.ok(this.enhanced && this.isReady && this.ends > 0, 'RFC 7313: no BoRR before End-of-RIB')
      if (message.subtype === 1) this.open.add(message.afi)
      else assert.ok(this.open.delete(message.afi), 'no refresh ends that has not begun')
      return
    }
    assert.ok(message.type === 'update')
    if (endOfRibOf(message) !== undefined) {
      assert.ok(this.isReady, 'no End-of-RIB before what is wanted is complete')
      this.ends++
      return
    }
    this.router.take(bytes)
    for (const key of this.steady) assert.ok(this.router.table.has(key), `${key} was wanted all along`)
    // What was written before it was wanted again may yet be followed by the withdrawal of then.
    const date = this.socket.dateOf(bytes)
    for (const [key, since] of this.#since) if (since <= date && this.router.table.has(key)) this.steady.add(key)
  }

  // The plainest rule: the first two paths; to a peer that takes one, our own, else the first.
  #expected(): Record<string, readonly string[]> {
    const withPaths = this.outbound.context.addPath.length > 0
    const rows = [...this.wanted].map(([key, paths]): [string, readonly string[]] => {
      const own = paths.find(({ nextHop }) => nextHop === 'self') ?? paths[0] ?? assert.fail()
      const self = key.includes(':') ? 'fd77::1' : '10.77.0.1'
      const told = (withPaths ? paths.slice(0, 2) : [own]).map(
        ({ id, nextHop, attributes }) =>
          `${withPaths ? id : 0} ${nextHop === 'self' ? self : formatIp(nextHop)} med ${attributes.med}`,
      )
      return [key, told.toSorted()]
    })
    return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
}

for (const [withPaths, enhanced] of [
  [true, true],
  [false, false],
  [false, true],
] as const) {
  const name = `${withPaths ? 'with' : 'without'} ADD-PATH, ${enhanced ? 'with' : 'without'} enhanced route refresh`
  test(`Adj-RIB-Out: the peer ends up with what is wanted, whatever happens on the way: ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
        const stage = new Stage(withPaths, enhanced)
        for (const each of commands) await stage.do(each)
        await stage.do({ do: 'ready' })
        await stage.settle()
        assert.equal(stage.ends, 2, 'End-of-RIB for both families, once a connection')
        assert.equal(stage.sender.rib.sentCount, stage.wanted.size)
        assert.equal([...stage.sender.rib.entries()].length, stage.wanted.size, 'nothing is kept of what is gone')
      }),
      { numRuns: runs },
    )
  })
}
