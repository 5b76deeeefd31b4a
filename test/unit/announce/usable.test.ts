import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NodeState, areMostUnknown, nodeUnusable } from '../../../src/core/announce/index.ts'
import { type NodeFields, node } from './fixtures.ts'

const calm: NodeState = { speakerAlive: false, leaving: false, mostNodesUnknown: false }

const rows: readonly (readonly [string, NodeFields, Partial<NodeState>, string | undefined])[] = [
  ['a Ready node is usable', {}, {}, undefined],
  ['Ready=False is not', { ready: 'False' }, { speakerAlive: true }, 'NodeNotReady'],
  ['Ready=Unknown without a speaker is not', { ready: 'Unknown' }, {}, 'NodeNotReady'],
  ['Ready=Unknown with a living speaker is', { ready: 'Unknown' }, { speakerAlive: true }, undefined],
  [
    'Ready=Unknown like most others is: the control plane is blind',
    { ready: 'Unknown' },
    { mostNodesUnknown: true },
    undefined,
  ],
  ['being deleted is not', { deleting: true }, {}, 'NodeDeleting'],
  ['drained is not', { annotations: { 'bellhop.dev/drain': 'true' } }, {}, 'NodeDrained'],
  ['drain other than "true" is', { annotations: { 'bellhop.dev/drain': 'no' } }, {}, undefined],
  ['leaving is not', {}, { leaving: true }, 'NodeLeaving'],
  [
    'the label that excludes a node does, whatever its value',
    { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } },
    {},
    'NodeExcluded',
  ],
  ['NetworkUnavailable is not', { networkUnavailable: true }, {}, 'NodeNetworkUnavailable'],
]

for (const [name, fields, state, expected] of rows) {
  void test(name, () => {
    assert.equal(nodeUnusable(node('n', fields), { ...calm, ...state })?.code, expected)
  })
}

void test('most means more than half', () => {
  const unknown = node('u', { ready: 'Unknown' })
  assert.equal(areMostUnknown([unknown, node('a')]), false)
  assert.equal(areMostUnknown([unknown, unknown, node('a')]), true)
  assert.equal(areMostUnknown([]), false)
})
