// Whatever is wanted, in whatever order, with whatever of it sent in between: the router ends up with exactly that, and
// on the way loses no prefix that was wanted all along.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { formatIp, formatPrefix, parseIp } from '../../src/core/address/index.ts'
import type { Family, Prefix } from '../../src/core/address/index.ts'
import type { Path } from '../../src/core/bgp/index.ts'
import { AdjRibOut, type Outbound, nextUpdates } from '../../src/core/bgp/rib/index.ts'
import { Router, outboundOf } from '../unit/bgp/rib/router.ts'

const runs = process.env['BELLHOP_TEST_LONG'] === undefined ? 300 : 10_000

const prefixes: readonly Prefix[] = [
  ...Array.from({ length: 6 }, (_, i) => ({ ip: { family: 4 as const, bits: 0xc0000200n + BigInt(i) }, length: 32 })),
  ...Array.from({ length: 3 }, (_, i) => ({
    ip: { family: 6 as const, bits: (0x20010db8n << 96n) + BigInt(i) },
    length: 128,
  })),
]

const hops: Readonly<Record<Family, readonly string[]>> = {
  4: ['self', '10.77.0.3', '10.77.0.4'],
  6: ['self', 'fd77::3', 'fd77::4'],
}

function pathTo(family: Family, hop: number, med: number | undefined): Path {
  const text = hops[family][hop] ?? 'self'
  const nextHop = text === 'self' ? text : (parseIp(text) ?? assert.fail(text))
  return { id: hop + 1, nextHop, attributes: med === undefined ? {} : { med } }
}

const choices = fc.uniqueArray(fc.record({ hop: fc.nat({ max: 2 }), med: fc.constantFrom(undefined, 5, 6) }), {
  maxLength: 3,
  selector: ({ hop }) => hop,
})

type Command =
  | {
      readonly do: 'want'
      readonly index: number
      readonly paths: readonly { readonly hop: number; readonly med: number | undefined }[]
    }
  | { readonly do: 'send'; readonly messages: number }
  | { readonly do: 'refresh'; readonly family: Family }
  | { readonly do: 'reconsider' | 'reconnect' }

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('want' as const),
      index: fc.nat({ max: prefixes.length - 1 }),
      paths: choices,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), messages: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('refresh' as const), family: fc.constantFrom(4 as const, 6 as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reconsider' as const, 'reconnect' as const) }) },
)

for (const withPaths of [true, false]) {
  test(`the router ends up with what is wanted, ${withPaths ? 'with' : 'without'} ADD-PATH`, () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const outbound = outboundOf({ addPathSend: withPaths ? [4, 6] : [], families: [4, 6] }, { addPathSendMax: 2 })
        const rib = new AdjRibOut()
        const router = new Router(outbound)
        // Prefixes that the router has and that stay wanted: it may never be without them.
        const steady = new Set<string>()
        let updates = nextUpdates(rib, outbound)
        const send = (messages: number): void => {
          for (let i = 0; i < messages; i++) {
            let next = updates.next()
            if (next.done === true) {
              updates = nextUpdates(rib, outbound)
              next = updates.next()
            }
            if (next.done === true) return
            router.take(next.value.bytes)
            for (const key of steady) assert.ok(router.table.has(key), `${key} is wanted all along`)
            for (const { prefix, wanted } of rib.entries()) {
              const key = formatPrefix(prefix)
              if (wanted !== undefined && router.table.has(key)) steady.add(key)
            }
          }
        }
        for (const each of commands) {
          if (each.do === 'send') send(each.messages)
          else if (each.do === 'refresh') rib.refresh(each.family)
          else if (each.do === 'reconsider') rib.reconsiderAll()
          else if (each.do === 'reconnect') {
            rib.forgetSent()
            router.table.clear()
            steady.clear()
            updates = nextUpdates(rib, outbound)
          } else if (each.do === 'want') {
            const prefix = prefixes[each.index] ?? assert.fail()
            const paths = each.paths.map(({ hop, med }) => pathTo(prefix.ip.family, hop, med))
            rib.setPaths(prefix, paths)
            if (paths.length === 0) steady.delete(formatPrefix(prefix))
          }
        }
        send(Number.POSITIVE_INFINITY)
        assert.deepEqual(router.read(), expected(rib, outbound, withPaths))
        assert.deepEqual([rib.sentCount, rib.wantedCount], [router.table.size, router.table.size])
        assert.equal([...rib.entries()].length, router.table.size, 'nothing is kept of what is gone')
      }),
      { numRuns: runs },
    )
  })
}

// The same by the plainest rule: the first two, or our own, else the first.
function expected(rib: AdjRibOut, outbound: Outbound, withPaths: boolean): Record<string, readonly string[]> {
  const rows = [...rib.entries()].map(({ prefix, wanted: paths = [] }) => {
    const one = paths.find(({ nextHop }) => nextHop === 'self') ?? paths[0]
    const chosen = withPaths ? paths.slice(0, 2) : [one ?? assert.fail()]
    const described = chosen.map(({ id, nextHop, attributes: { med } }) => {
      const to = nextHop === 'self' ? (prefix.ip.family === 4 ? '10.77.0.1' : 'fd77::1') : formatIp(nextHop)
      return `${withPaths ? id : 0} ${to}${med === undefined ? '' : ` med ${med}`}`
    })
    return [formatPrefix(prefix), described.toSorted()] as const
  })
  assert.ok(outbound.families.length === 2)
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
