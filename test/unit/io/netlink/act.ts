// Runs inside a namespace: performs one named act through netlink.ts and prints what came of it as JSON.
import { type Ip, formatIp, parseIp } from '../../../../src/core/address/index.ts'
import {
  type HostRoute,
  hostTable,
  localTable,
  planRules,
  routeKey,
  ruleKey,
} from '../../../../src/core/routes/index.ts'
import { openNetlink } from '../../../../src/io/net/netlink.ts'
import { removeAll } from '../../../../speaker/cleanup.ts'

const [act = '', ...args] = process.argv.slice(2)
const netlink = openNetlink()

function ip(text: string | undefined): Ip {
  const parsed = parseIp(text ?? '')
  if (parsed === undefined) throw new Error(`not an address: ${text}`)
  return parsed
}

async function perform(): Promise<unknown> {
  const route = { address: ip(args[0] ?? '127.0.0.1'), table: args[1] === '255' ? localTable : hostTable } as const
  switch (act) {
    case 'add-route':
      return netlink.addRoute(route)
    case 'remove-route':
      return netlink.removeRoute(route)
    case 'add-rules':
      return Promise.all([...planRules([4, 6]).values()].map((rule) => netlink.addRule(rule)))
    case 'list': {
      const routes = await netlink.routes()
      const rules = await netlink.rules()
      if (!routes.ok) return routes
      if (!rules.ok) return rules
      return {
        routes: routes.value.map(({ address, table }) => `${formatIp(address)} ${table}`).toSorted(),
        rules: rules.value.map(ruleKey).toSorted(),
      }
    }
    case 'look-again': {
      const other = { ...route, address: ip(args[2] ?? '127.0.0.2') }
      const listed = await netlink.routes()
      const expected = new Map((listed.ok ? listed.value : []).map((each) => [routeKey(each), each]))
      const hasExactly = async (these: ReadonlyMap<string, HostRoute>): Promise<unknown> => {
        const answer = await netlink.hasExactly(these)
        return answer.ok ? answer.value : answer.error
      }
      const looks = [await hasExactly(expected)]
      await netlink.addRoute(route)
      looks.push(await hasExactly(expected))
      expected.set(routeKey(route), route)
      looks.push(await hasExactly(expected))
      // As many as expected, but not the same ones.
      await netlink.removeRoute(route)
      await netlink.addRoute(other)
      looks.push(await hasExactly(expected))
      await netlink.removeRoute(other)
      looks.push(await hasExactly(expected))
      expected.delete(routeKey(route))
      looks.push(await hasExactly(expected))
      return looks
    }
    case 'cleanup':
      return removeAll(netlink)
    case 'many': {
      const many = Array.from({ length: 10_000 }, (_, i): HostRoute => ({
        address: { family: 4 as const, bits: 0xac10_0000n + BigInt(i) },
        table: hostTable,
      }))
      const started = performance.now()
      const added = await Promise.all(many.map((each) => netlink.addRoute(each)))
      const listed = await netlink.routes()
      const removed = await Promise.all(many.map((each) => netlink.removeRoute(each)))
      const left = await netlink.routes()
      return {
        failed: [...added, ...removed].filter(({ ok }) => !ok).length,
        listed: listed.ok ? listed.value.length : -1,
        left: left.ok ? left.value.length : -1,
        elapsedMs: performance.now() - started,
      }
    }
    default:
      throw new Error(`unknown act ${act}`)
  }
}

process.stdout.write(JSON.stringify(await perform()))
netlink.close()
