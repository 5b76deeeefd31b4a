import assert from 'node:assert/strict'
import { test } from 'node:test'

import { routerConfiguration } from '../../lab/routers.ts'
import { addresses, networkBatch, nodes, roleBatch, roles } from '../../lab/topology.ts'

test('every link lies between two namespaces of the lab: none appears in the machine itself', () => {
  for (const line of networkBatch('x-')) {
    if (line.startsWith('netns add x-')) continue
    assert.match(line, /^link add \S+ netns x-\w+ type veth peer name \S+ netns x-\w+$/)
  }
})

test('every role has the addresses that the record tells', () => {
  for (const role of roles) {
    const added = roleBatch(role).flatMap((line) => /^address add ([\d.]+)\//.exec(line)?.[1] ?? [])
    assert.deepEqual(added.toSorted(), addresses[role].toSorted(), role)
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
    [...text.matchAll(/^ neighbor ([\d.]+) (?:remote-as|peer-group)/gm)].map(([, address = '']) => address).toSorted()
  assert.deepEqual(neighbors(routerConfiguration('leaf1')), ['192.168.0.3', '192.168.0.4', '192.168.101.1'])
  assert.deepEqual(neighbors(routerConfiguration('leaf2')), ['192.168.1.2', '192.168.102.1'])
  assert.deepEqual(neighbors(routerConfiguration('spine')), ['192.168.101.2', '192.168.102.2'])
  assert.match(routerConfiguration('leaf1'), /router bgp 50001[\s\S]*NODES remote-as 50000[\s\S]*NODES port 17900/)
})
