// Lives a sequence of acts with one kernel and checks what must hold: always, that nothing of others is touched and that
// no repair is counted which nobody caused; once quiet, that ours is what is wanted.
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'

import { type Family, formatIp, prefixContains } from '../../../src/core/address/index.ts'
import {
  type HostAddress,
  type HostRoute,
  planRoute,
  planRoutes,
  planRules,
  routeKey,
  ruleKey,
} from '../../../src/core/routes/index.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { type Routes, openRoutes } from '../../../speaker/routes.ts'
import { manualClock } from '../../unit/io/process/manual-clock.ts'
import { type Act, addresses, ownSubnet } from './acts.ts'
import { faultyNetlink } from './faults.ts'
import type { ForeignRoute, Kernel } from './kernel.ts'

/** `exact`: no request fails and each act waits for quiet, so that the repairs can be told to the last one. */
export async function live(acts: readonly Act[], kernel: Kernel, { exact }: { exact: boolean }): Promise<void> {
  const life = new Life(kernel, exact)
  for (const act of acts) await life.perform(act)
  await life.rest()
}

const allRules = [...planRules([4, 6]).values()]

class Life {
  readonly #kernel: Kernel
  readonly #exact: boolean
  readonly #clock = manualClock()
  readonly #netlink
  readonly #wanted = new Map<string, HostAddress>()
  readonly #foreignRoutes = new Map<string, ForeignRoute>()
  #routes: Routes
  #hasSubnet = false
  /** As the last resync found it. */
  #sawSubnet = false
  #foreign: readonly string[]
  /** Of ours, how often others removed one since the start. */
  #taken = 0
  /** Keys of what others removed and the next resync must put back and count. */
  readonly #toRepair = new Set<string>()
  #repaired = 0

  constructor(kernel: Kernel, exact: boolean) {
    this.#kernel = kernel
    this.#exact = exact
    this.#netlink = faultyNetlink(kernel.netlink)
    this.#foreign = kernel.snapshot().foreign
    this.#routes = this.#open()
  }

  #open(): Routes {
    const routes = openRoutes({
      ...{ netlink: this.#netlink, clock: this.#clock, log: silentLog, onChange: () => {} },
      ownSubnets: () => (this.#hasSubnet ? [ownSubnet] : []),
    })
    for (const [text, wanted] of this.#wanted) routes.set(text, wanted)
    routes.start()
    this.#sawSubnet = this.#hasSubnet
    return routes
  }

  async perform(act: Act): Promise<void> {
    if (this.#exact) await this.#routes.settled()
    switch (act.act) {
      case 'want':
        return this.#want(act.at, act.hostAccess)
      case 'unwant':
        return this.#want(act.at, undefined)
      case 'wantAll':
        return addresses.forEach((_, at) => this.#want(at, act.hostAccess))
      case 'unwantAll':
        return addresses.forEach((_, at) => this.#want(at, undefined))
      case 'foreignRoute':
        return this.#byOthers(() => this.#putForeign(act.at, act))
      case 'foreignRule':
        return this.#byOthers(() =>
          act.there ? this.#kernel.addForeignRule(act) : this.#kernel.removeForeignRule(act),
        )
      case 'takeRoute':
        return this.#byOthers(() => this.#takeRoute({ address: addressAt(act.at), table: act.table }))
      case 'takeRule':
        return this.#byOthers(() => this.#takeRule(act.nth))
      case 'stray':
        return this.#byOthers(() => this.#addStray({ address: addressAt(act.at), table: act.table }))
      case 'subnet':
        this.#hasSubnet = act.there
        return undefined
      case 'pass':
        return this.#pass(act.ms)
      case 'turn':
        return turn()
      case 'restart':
        await this.#routes.stop()
        this.#toRepair.clear()
        ;[this.#taken, this.#repaired] = [0, 0]
        this.#routes = this.#open()
        return undefined
      case 'faults':
        return this.#netlink.fail(act.faults)
    }
  }

  #want(at: number, hostAccess: boolean | undefined): void {
    const address = addressAt(at)
    const text = formatIp(address)
    const wanted = hostAccess === undefined ? undefined : { address, hostAccess }
    if (wanted === undefined) this.#wanted.delete(text)
    else this.#wanted.set(text, wanted)
    const route = wanted === undefined ? undefined : planRoute(wanted, this.#sawSubnet ? [ownSubnet] : []).route
    // What is taken back by us is no longer to be repaired.
    for (const key of [`${text} 196`, `${text} 255`]) {
      if (route === undefined || routeKey(route) !== key) this.#toRepair.delete(key)
    }
    this.#routes.set(text, wanted)
  }

  /** Before an act of others, what is theirs must be as they left it. */
  #byOthers(act: () => void): void {
    this.#checkForeign()
    act()
    this.#foreign = this.#kernel.snapshot().foreign
  }

  #putForeign(at: number, { table, metric, there }: Pick<ForeignRoute, 'table' | 'metric'> & { there: boolean }): void {
    const route = { address: addressAt(at), table, metric }
    const key = `${formatIp(route.address)} ${table} ${metric}`
    if (!there) {
      this.#kernel.removeForeign(route)
      this.#foreignRoutes.delete(key)
      return
    }
    if (this.#kernel.addForeign(route)) this.#foreignRoutes.set(key, route)
  }

  #addStray(route: HostRoute): void {
    // Where it belongs it is none; and who put it there could not be told.
    if (!this.#plannedKeys(this.#sawSubnet).has(routeKey(route))) this.#kernel.addStray(route)
  }

  #takeRoute(route: HostRoute): void {
    if (!this.#kernel.removeOurRoute(route)) return
    this.#taken++
    if (this.#plannedKeys(this.#sawSubnet).has(routeKey(route))) this.#toRepair.add(routeKey(route))
  }

  #takeRule(nth: number): void {
    const rule = allRules[nth]
    if (rule === undefined || !this.#kernel.removeOurRule(rule)) return
    this.#taken++
    this.#toRepair.add(ruleKey(rule))
  }

  async #pass(ms: number): Promise<void> {
    const before = new Set(this.#kernel.snapshot().ours)
    await this.#clock.advance(ms)
    await this.#routes.settled()
    const { repaired } = this.#routes.state()
    assert.ok(repaired <= this.#taken, `${repaired} repairs of the ${this.#taken} that others removed`)
    if (!this.#exact) return
    this.#sawSubnet = this.#hasSubnet
    const wanted = this.#plannedKeys(this.#hasSubnet)
    for (const key of this.#toRepair) {
      if (before.has(key) || !wanted.has(key)) this.#toRepair.delete(key)
      else if (!this.#foreignRoutes.has(`${key} 0`)) {
        this.#toRepair.delete(key)
        this.#repaired++
      }
    }
    assert.equal(repaired, this.#repaired, 'repairs are counted')
  }

  #plannedKeys(hasSubnet: boolean): ReadonlySet<string> {
    const routes = planRoutes(this.#wanted.values(), hasSubnet ? [ownSubnet] : [])
    const families = new Set<Family>([...this.#wanted.values()].map(({ address }) => address.family))
    return new Set([...routes.keys(), ...planRules(families).keys()])
  }

  #checkForeign(): void {
    assert.deepEqual(this.#kernel.snapshot().foreign, this.#foreign, 'what is not ours stays as it is')
  }

  /** The kernel does as it is asked again, and a resync has passed. */
  async rest(): Promise<void> {
    this.#netlink.fail([])
    await this.#routes.settled()
    // Twice: the first may still find what a wrong answer has left.
    for (let resyncs = 0; resyncs < 2; resyncs++) await this.#pass(15_000)
    const { ours } = this.#kernel.snapshot()
    const wanted = this.#plannedKeys(this.#hasSubnet)
    const isTaken = (key: string): boolean => this.#foreignRoutes.has(`${key} 0`)
    assert.deepEqual(ours, [...wanted].filter((key) => !isTaken(key)).toSorted(), 'ours is what is wanted')
    this.#checkForeign()
    const expected = [...this.#wanted.values()].flatMap(({ address, hostAccess }) => {
      const text = formatIp(address)
      const isRefused = hostAccess && this.#hasSubnet && prefixContains(ownSubnet, address)
      const table = hostAccess && !isRefused ? 255 : 196
      return [
        ...(isRefused ? [`${text} HostAccessRefused`] : []),
        ...(isTaken(`${text} ${table}`) ? [`${text} RouteForeign`] : []),
      ]
    })
    const said = this.#routes.exceptions().map(({ address, reason }) => `${address} ${reason}`)
    assert.deepEqual(said.toSorted(), expected.toSorted(), 'exceptions are what keeps a route from its place')
    const { wanted: wantedCount, present } = this.#routes.state()
    assert.equal(wantedCount, this.#wanted.size)
    assert.equal(present, ours.filter((key) => / (196|255)$/.test(key)).length, 'the count of those present')
    await this.#routes.stop()
  }
}

function addressAt(at: number): (typeof addresses)[number] {
  const address = addresses[at]
  if (address === undefined) throw new Error(`no address ${at}`)
  return address
}
