// One router and our engine with a link between them, and how a claim is shown with every router over both families.
import { after, afterEach, before, describe } from 'node:test'

import type { Family } from '../../src/core/address/index.ts'
import { waitFor } from '../lab/wait.ts'
import { type Daemon, type PathSeen, type Router, type RouterSettings, daemons } from './daemons/index.ts'
import { type Engine, routerPeer, startEngine } from './engine.ts'
import type { PeerText } from './engine-program.ts'
import { type Network, addresses, openNetwork } from './network.ts'

/** Machines of others are slower. */
export const waitMs = 40_000

const lanesAtATime = 6

const perFamily = {
  4: {
    prefix: '192.0.2.10/32',
    /** 10,000 of them follow one another. */
    many: '10.200.0.0/32',
    engine: addresses.engine,
    router: addresses.router,
    third: addresses.third,
    fourth: addresses.fourth,
  },
  6: {
    prefix: '2001:db8::10/128',
    many: '2001:db8:1::/128',
    engine: addresses.engine6,
    router: addresses.router6,
    third: 'fd77::3',
    fourth: 'fd77::4',
  },
} as const

export class Pair {
  readonly daemon: Daemon
  /** Of the addresses between which the session runs. */
  readonly over: Family
  readonly network: Network
  /** Addresses and prefixes of this family. */
  readonly at: (typeof perFamily)[Family]
  #router: Router | undefined
  #engine: Engine | undefined

  constructor(daemon: Daemon, over: Family, network: Network) {
    this.daemon = daemon
    this.over = over
    this.network = network
    this.at = perFamily[over]
  }

  get router(): Router {
    if (this.#router === undefined) throw new Error('no router runs')
    return this.#router
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('no engine runs')
    return this.#engine
  }

  /** Our side of the session with it. */
  peer(more: Partial<PeerText> = {}): PeerText {
    return { ...routerPeer, neighbor: this.at.router, families: [this.over], ...more }
  }

  /** Starts both. */
  async begin(settings: RouterSettings = {}): Promise<void> {
    this.startEngine()
    await this.startRouter(settings)
  }

  startEngine(): Engine {
    this.#engine = startEngine(this.network)
    return this.#engine
  }

  async startRouter(settings: RouterSettings): Promise<Router> {
    this.#router = await this.daemon.start(this.network, { over: this.over, ...settings })
    return this.#router
  }

  /** Ends both, as crashes do. */
  async end(): Promise<void> {
    await Promise.all([this.#engine?.kill(), this.#router?.stop()])
    this.#engine = this.#router = undefined
  }

  /** Waits until the router has exactly these next hops to a prefix from us. */
  async hops(wanted: readonly string[], prefix: string = this.at.prefix): Promise<readonly PathSeen[]> {
    let seen: readonly PathSeen[] = []
    const text = (hops: readonly string[]): string => hops.toSorted().join(', ') || '(none)'
    return waitFor(
      `${this.daemon.name}: next hops of ${prefix} ${text(wanted)}`,
      async () => {
        seen = await this.router.paths(prefix)
        return text(seen.map(({ nextHop }) => nextHop)) === text(wanted) ? seen : undefined
      },
      { timeoutMs: waitMs, missing: () => `they are ${text(seen.map(({ nextHop }) => nextHop))}` },
    )
  }

  /** Waits until the router has that many paths from us. */
  async count(wanted: number, family: Family = this.over): Promise<void> {
    let seen = -1
    await waitFor(
      `${this.daemon.name}: ${wanted} paths`,
      async () => {
        seen = await this.router.count(family)
        return seen === wanted
      },
      { timeoutMs: waitMs, missing: () => `there are ${seen}` },
    )
  }

  /** Waits until our report has said this as its last error: the next attempt soon has one of its own. */
  async tells(lastError: RegExp): Promise<string> {
    let seen: readonly string[] = []
    return waitFor(
      `our last error ${lastError}`,
      async () => {
        seen = (await this.engine.ask({ do: 'errors' })) as readonly string[]
        return seen.find((each) => lastError.test(each))
      },
      { timeoutMs: waitMs, missing: () => `it was ${seen.join('; ')}` },
    )
  }

  /** Waits until the router says what it has heard or said last. */
  async routerTells(words: RegExp): Promise<void> {
    let seen = ''
    await waitFor(
      `${this.daemon.name} telling ${words}`,
      async () => {
        seen = await this.router.errors()
        return words.test(seen)
      },
      { timeoutMs: waitMs, missing: () => `it tells ${seen}` },
    )
  }
}

export interface Shared {
  /** One start for all claims of a block, instead of one for each. */
  readonly start?: (pair: Pair) => Promise<void>
  readonly routers?: readonly Daemon[]
}

/**
 * The claims with every router over IPv4 and IPv6, several of these side by side: most of the time is waiting. What
 * `claims` is given may be used inside tests only.
 */
export function describeWithEach(
  theme: string,
  claims: (pair: () => Pair, daemon: Daemon, over: Family) => void,
  { start, routers = daemons }: Shared = {},
) {
  const lanes = routers.flatMap((daemon) => ([4, 6] as const).map((over) => ({ daemon, over })))
  describe(theme, { concurrency: lanesAtATime }, () => {
    for (const { daemon, over } of lanes) {
      const title = `${theme}, ${daemon.name} over IPv${over}`
      describe(title, { concurrency: 1, skip: daemon.isMissing, timeout: 600_000 }, () => {
        let pair: Pair | undefined
        before(async () => {
          pair = new Pair(daemon, over, await openNetwork(`${daemon.name.toLowerCase()}${over}`))
          await start?.(pair)
        })
        if (start === undefined) afterEach(() => pair?.end())
        after(async () => {
          await pair?.end()
          await pair?.network.close()
        })
        claims(
          () => {
            if (pair === undefined) throw new Error('there is no pair before the tests begin')
            return pair
          },
          daemon,
          over,
        )
      })
    }
  })
}
