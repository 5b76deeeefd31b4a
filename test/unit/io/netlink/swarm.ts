// Runs inside a namespace: asks the applier for thousands of changes at once, and again while it is at them, and prints
// what the kernel has in the end as JSON.
import { type Ip, formatIp } from '../../../../src/core/address/index.ts'
import { type HostAddress, planRoutes, planRules } from '../../../../src/core/routes/index.ts'
import { systemClock } from '../../../../src/io/process/clock.ts'
import { silentLog } from '../../../../src/io/telemetry/log.ts'
import { openRoutes } from '../../../../speaker/routes.ts'
import { realKernel } from './real-kernel.ts'

const kernel = realKernel()
const { netlink } = kernel
const before = kernel.snapshot()
const routes = openRoutes({
  ...{ netlink, clock: systemClock, log: silentLog, onChange: () => {} },
  ownSubnets: () => [],
})
const addresses: readonly Ip[] = [
  ...Array.from({ length: 10_000 }, (_, i) => ({ family: 4 as const, bits: 0xac10_0000n + BigInt(i) })),
  ...Array.from({ length: 1000 }, (_, i) => ({ family: 6 as const, bits: (0xfd00_0001n << 96n) + BigInt(i) })),
]
const wanted = new Map<string, HostAddress>()

function want(address: Ip, hostAccess: boolean | undefined): void {
  const text = formatIp(address)
  const host = hostAccess === undefined ? undefined : { address, hostAccess }
  if (host === undefined) wanted.delete(text)
  else wanted.set(text, host)
  routes.set(text, host)
}

function wantedKeys(): readonly string[] {
  const families = new Set([...wanted.values()].map(({ address }) => address.family))
  return [...planRoutes(wanted.values(), []).keys(), ...planRules(families).keys()].toSorted()
}

const said: { asked: number; missing: number; tooMany: number }[] = []
async function judge(asked: number): Promise<void> {
  await routes.settled()
  const now = new Set(kernel.snapshot().ours)
  const keys = wantedKeys()
  const missing = keys.filter((key) => !now.has(key)).length
  said.push({ asked, missing, tooMany: now.size - (keys.length - missing) })
}

routes.start()
await routes.settled()
// All at once.
for (const address of addresses) want(address, false)
await judge(addresses.length)
// Every one changed in the same moment: gone, moved to the other table, gone and back.
addresses.forEach((address, at) => {
  want(address, at % 3 === 0 ? undefined : at % 3 === 1)
  if (at % 6 === 0) want(address, false)
})
await judge(addresses.length)
// Asked for again and again while it is at work.
for (let round = 0; round < 10; round++) {
  addresses.forEach((address, at) => want(address, (at + round) % 4 === 0 ? undefined : (at + round) % 2 === 0))
  await new Promise((resolve) => setImmediate(resolve))
}
await judge(addresses.length * 10)
for (const address of addresses) want(address, undefined)
await routes.settled()
const { repaired } = routes.state()
await routes.stop()
const after = kernel.snapshot()
netlink.close()
const untouched = JSON.stringify(after.foreign) === JSON.stringify(before.foreign)
process.stdout.write(
  JSON.stringify({ said, repaired, left: after.ours.filter((key) => /^\S+[.:]\S* \d+$/.test(key)), untouched }),
)
