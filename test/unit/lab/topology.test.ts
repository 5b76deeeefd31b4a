import assert from 'node:assert/strict'
import { test } from 'node:test'

import { routerConfiguration } from '../../lab/routers.ts'
import { addresses, ipv6NetworkOf, ipv6Of, networkBatch, nodes, roleBatch, roles } from '../../lab/topology.ts'

test('every link lies between two namespaces of the lab: none appears in the machine itself', () => {
  for (const line of networkBatch('x-')) {
    if (line.startsWith('netns add x-')) continue
    assert.match(line, /^link add \S+ netns x-\w+ type veth peer name \S+ netns x-\w+$/)
  }
})

test('every role has the addresses that the record tells', () => {
  for (const role of roles) {
    const added = roleBatch(role).flatMap((line) => /^address add ([\da-f.:]+)\//.exec(line)?.[1] ?? [])
    assert.deepEqual(added.toSorted(), addresses[role].toSorted(), role)
  }
})

test('whoever has an IPv4 address has the IPv6 address of the same digits, and a route of each family', () => {
  assert.equal(ipv6Of('192.168.0.3'), 'fd00:192:168::3')
  assert.equal(ipv6NetworkOf('10.244.1.0/24'), 'fd00:10:244:1::/64')
  for (const role of roles) {
    const lines = roleBatch(role).filter((line) => /^(?:address|route) add/.test(line))
    assert.equal(lines.filter((line) => line.includes(':')).length * 2, lines.length, role)
  }
})

test('nodes stand under their leaf as in the guide', () => {
  assert.deepEqual(
    Object.values(nodes).map(({ address, leaf }) => [address, leaf]),
    [
      ['192.168.0.3', 'leaf1'],
      ['192.168.0.4', 'leaf1'],
      ['192.168.1.2', 'leaf2'],
    ],
  )
})

test('a leaf takes its own nodes and the spine as neighbours, the spine both leaves', () => {
  const neighbors = (text: string): readonly string[] =>
    [...text.matchAll(/^ neighbor ([\da-f.:]+) (?:remote-as|peer-group)/gm)]
      .map(([, address = '']) => address)
      .toSorted()
  assert.deepEqual(neighbors(routerConfiguration('leaf1')), [
    ...['192.168.0.3', '192.168.0.4', '192.168.101.1'],
    ...['fd00:192:168::3', 'fd00:192:168::4'],
  ])
  assert.deepEqual(neighbors(routerConfiguration('leaf2')), ['192.168.1.2', '192.168.102.1', 'fd00:192:168:1::2'])
  assert.deepEqual(neighbors(routerConfiguration('spine')), ['192.168.101.2', '192.168.102.2'])
  assert.match(routerConfiguration('leaf1'), /router bgp 50001[\s\S]*NODES remote-as 50000[\s\S]*NODES port 17900/)
})
