import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readyNodes, sharingReader } from '../../../src/core/announce/index.ts'
import { slice } from './fixtures.ts'

void test('ready endpoints count, and no others while there is one', () => {
  const { any, nodes } = readyNodes(
    [
      slice('web', [
        ['a', 'ready'],
        ['b', 'notReady'],
        ['c', 'terminating'],
      ]),
    ],
    4,
  )
  assert.equal(any, true)
  assert.deepEqual([...nodes], ['a'])
})

void test('with none ready anywhere, serving terminating ones count (part of BGP-04)', () => {
  const { any, nodes } = readyNodes(
    [
      slice('web', [
        ['a', 'notReady'],
        ['b', 'terminating'],
        ['c', 'gone'],
      ]),
    ],
    4,
  )
  assert.equal(any, true)
  assert.deepEqual([...nodes], ['b'])
})

void test('a ready endpoint in another slice of the Service silences terminating ones', () => {
  const first = slice('web', [['a', 'terminating']])
  const second = { ...slice('web', [['b', 'ready']]), name: 'web-2' }
  assert.deepEqual([...readyNodes([first, second], 4).nodes], ['b'])
})

void test('endpoints of the other family do not count', () => {
  assert.equal(readyNodes([slice('web', [['a', 'ready']])], 6).any, false)
})

void test('an endpoint that names no node counts for Cluster and for no node', () => {
  const { any, nodes } = readyNodes([slice('web', [[undefined, 'ready']])], 4)
  assert.equal(any, true)
  assert.equal(nodes.size, 0)
})

void test('slices read one after the other share endpoints that are equal, and no others', () => {
  const read = sharingReader()
  const object = (name: string, ready: boolean, nodeName?: string) => ({
    metadata: { namespace: 'default', name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ nodeName, conditions: { ready } }],
  })
  const endpointOf = (...of: Parameters<typeof object>) => read(object(...of))?.endpoints[0]
  const first = endpointOf('web', true, 'a')
  assert.deepEqual(first, { node: 'a', ready: true, serving: true, terminating: false })
  assert.equal(endpointOf('shop', true, 'a'), first)
  assert.deepEqual(endpointOf('web', false, 'a'), { node: 'a', ready: false, serving: false, terminating: false })
  assert.equal(endpointOf('web', true, 'b')?.node, 'b')
  assert.equal(endpointOf('web', true)?.node, undefined)
  assert.equal(read({ metadata: { name: 'not-of-a-service' } }), undefined)
})
