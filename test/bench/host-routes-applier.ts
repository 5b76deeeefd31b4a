// Runs inside a namespace: the applier of a speaker with the kernel there; prints its times as JSON. A time counts only
// when the kernel has exactly what it should.
import { type Ip, formatIp } from '../../src/core/address/index.ts'
import { openNetlink } from '../../src/io/net/netlink.ts'
import { systemClock } from '../../src/io/process/clock.ts'
import { silentLog } from '../../src/io/telemetry/log.ts'
import { openRoutes } from '../../speaker/routes.ts'
import { hostAddresses } from './host-routes-addresses.ts'
import { quantile } from './measure.ts'

export interface Times {
  readonly addedMs: number
  readonly added6Ms: number
  /** Median. */
  readonly oneMs: number
  /** CPU of a resync that finds everything in its place, once the code is warm. */
  readonly lookCpuMs: number
  readonly removedMs: number
}

const netlink = openNetlink()
let looks = 0
let looked = Promise.withResolvers<void>()
let fireLook: (() => void) | undefined
const routes = openRoutes({
  netlink,
  clock: {
    ...systemClock,
    // The next look comes when it is asked for.
    after: (_delayMs, fire) => {
      fireLook = fire
      looks++
      looked.resolve()
      return { cancel: () => {} }
    },
  },
  log: silentLog,
  ownSubnets: () => [],
  onChange: () => {},
})
routes.start()
await routes.settled()

async function set(addresses: readonly Ip[], wanted: boolean): Promise<number> {
  const begun = performance.now()
  for (const address of addresses) routes.set(formatIp(address), wanted ? { address, hostAccess: false } : undefined)
  await routes.settled()
  return performance.now() - begun
}

async function timed(addresses: readonly Ip[], wanted: boolean, have: number): Promise<number> {
  const tookMs = await set(addresses, wanted)
  const listed = await netlink.routes()
  const count = listed.ok ? listed.value.length : listed.error.message
  if (count !== have) throw new Error(`the kernel has ${count} routes, and should have ${have}`)
  return tookMs
}

const [four, six] = [hostAddresses(4), hostAddresses(6)]
const more: readonly Ip[] = [{ family: 4, bits: 0xcb00_7101n }]
const addedMs = await timed(four, true, 10_000)
const added6Ms = await timed(six, true, 11_000)
const ones: number[] = []
for (let each = 0; each < 50; each++) {
  ones.push(await set(more, true))
  await set(more, false)
}
await timed(more, true, 11_001)
await timed(more, false, 11_000)

async function look(): Promise<number> {
  const before = process.cpuUsage()
  const looksBefore = looks
  looked = Promise.withResolvers<void>()
  fireLook?.()
  await looked.promise
  await routes.settled()
  const { user, system } = process.cpuUsage(before)
  if (looks !== looksBefore + 1 || routes.state().repaired > 0) throw new Error('that was no look that found all well')
  return (user + system) / 1000
}

// The first ones pay for the compiler.
let lookCpuMs = 0
for (let each = 0; each < 6; each++) lookCpuMs = await look()

const removedMs = await timed([...four, ...six], false, 0)
await routes.stop()
netlink.close()
const times: Times = { addedMs, added6Ms, oneMs: quantile(ones, 0.5), lookCpuMs, removedMs }
process.stdout.write(JSON.stringify(times))
