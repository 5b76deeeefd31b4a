// The applier of host routes with a real kernel, in a namespace of this file's own: random lives, and thousands of changes
// at once, which would abort the process if they reached the netlink library all at once.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { type Namespace, openNamespace, reasonAgainstNamespaces } from './namespace.ts'

const skip = reasonAgainstNamespaces() ?? false
const limits = { skip, timeout: 150_000 }
const lives = process.env['BELLHOP_TEST_LONG'] === undefined ? 4 : 60

let node: Namespace

before(() => {
  if (skip !== false) return
  node = openNamespace('a')
})

after(() => {
  if (skip === false) node.remove()
})

void test(
  'random lives with the kernel itself: ours is what is wanted, what others have there stays',
  limits,
  async () => {
    await node.node(new URL('./live.ts', import.meta.url), String(lives))
  },
)

void test(
  '11,000 changes at once, and ten times more while they are made: none is lost, nothing of others touched',
  limits,
  async () => {
    const foreign = [
      ...['route add unreachable 172.16.0.7 table 77 proto 4', 'route add unreachable 172.16.0.0/16 table 196 proto 4'],
      ...['route add blackhole 0.0.0.0/0 proto 4', '-6 route add unreachable fd00:1::5/128 table 77 proto 4'],
      ...[
        'rule add pref 19600 ipproto tcp lookup 77 proto 4',
        'rule add pref 31000 from 198.51.100.7 lookup 77 proto 4',
      ],
      // Of ours by its number alone, in a table of others.
      'route add blackhole 198.51.100.0/24 table 78 proto 196',
    ]
    for (const each of foreign) node.ip(each)
    const { said, repaired, left, untouched } = JSON.parse(await node.node(new URL('./swarm.ts', import.meta.url))) as {
      readonly said: readonly { readonly asked: number; readonly missing: number; readonly tooMany: number }[]
      readonly repaired: number
      readonly left: readonly string[]
      readonly untouched: boolean
    }
    assert.deepEqual(
      said.map(({ missing, tooMany }) => ({ missing, tooMany })),
      Array.from({ length: 3 }, () => ({ missing: 0, tooMany: 0 })),
    )
    assert.deepEqual({ repaired, left, untouched }, { repaired: 0, left: [], untouched: true })
  },
)
