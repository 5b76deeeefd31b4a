import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CannotAsk } from '../../../cli/connect.ts'
import { readCluster } from '../../../cli/read-cluster.ts'
import type { Answer, KubeClient, KubeErrorCode, KubeList, ListOptions, Resource } from '../../../src/io/kube/index.ts'

type Lists = (resource: Resource, options: ListOptions) => readonly string[] | KubeErrorCode

/** Lists of names, in pages of two; a code is an error. */
function client(lists: Lists, asked: string[] = []): KubeClient {
  const list = async (resource: Resource, options: ListOptions = {}): Promise<Answer<KubeList>> => {
    asked.push(resource.plural)
    const names = lists(resource, options)
    if (typeof names === 'string') return { ok: false, error: { code: names, message: `GET ${resource.plural}: no` } }
    const at = Number(options.continue ?? 0)
    const items = names.slice(at, at + 2).map((name) => ({ apiVersion: 'v1', kind: resource.kind, metadata: { name } }))
    const next = at + 2 < names.length ? String(at + 2) : undefined
    return { ok: true, value: { items, resourceVersion: '1', continue: next } }
  }
  return { list } as unknown as KubeClient
}

void test('all pages of what is asked for, and nothing else', async () => {
  const asked: string[] = []
  const names = (resource: Resource): readonly string[] =>
    resource.plural === 'nodes' ? ['a', 'b', 'c', 'd', 'e'] : []
  const cluster = await readCluster(client(names, asked), { parts: ['nodes', 'eips'], wallMs: () => 7 })
  assert.deepEqual(
    cluster.nodes.map(({ name }) => name),
    ['a', 'b', 'c', 'd', 'e'],
  )
  assert.deepEqual([...new Set(asked)].toSorted(), ['eips', 'nodes'])
  assert.equal(cluster.readAtMs, 7)
})

void test('what one may not read, and what is not installed, costs its own part and is said', async () => {
  const lists: Lists = ({ plural }) => (plural === 'nodes' ? 'Forbidden' : plural === 'racks' ? 'NotFound' : ['x'])
  const cluster = await readCluster(client(lists), { parts: ['nodes', 'racks', 'speakers'] })
  assert.deepEqual(
    cluster.unread.map(({ part, why }) => [part, why.split(':')[0]]),
    [
      ['nodes', 'not allowed to read nodes'],
      ['racks', 'the cluster has no racks'],
    ],
  )
  assert.equal(cluster.speakers.length, 1)
})

void test('who may read one namespace only is still told of the Service there', async () => {
  const lists: Lists = ({ plural }, { namespace }) =>
    namespace === 'web' && plural !== 'eips' ? ['shop'] : 'Forbidden'
  const options = {
    parts: ['services', 'endpointslices', 'eips'],
    service: { namespace: 'web', name: 'shop' },
  } as const
  const cluster = await readCluster(client(lists), options)
  assert.deepEqual(
    cluster.services.map(({ name }) => name),
    ['shop'],
  )
  // The slices of that Service are all that is wanted of them.
  assert.deepEqual(
    cluster.unread.map(({ part }) => part),
    ['services', 'eips'],
  )
})

void test('a list that grew too old between two pages is begun anew, once', async () => {
  let asked = 0
  const lists: Lists = (_resource, options) => {
    asked++
    return options.continue !== undefined && asked === 2 ? 'Gone' : ['a', 'b', 'c']
  }
  const cluster = await readCluster(client(lists), { parts: ['nodes'] })
  assert.equal(cluster.nodes.length, 3)
  await assert.rejects(
    readCluster(
      client((_resource, { continue: next }) => (next === undefined ? ['a', 'b', 'c'] : 'Gone')),
      { parts: ['nodes'] },
    ),
    CannotAsk,
  )
})

void test('a cluster that does not answer cannot be asked', async () => {
  for (const code of ['Unreachable', 'Unauthorized', 'Timeout', 'Server'] as const) {
    await assert.rejects(
      readCluster(
        client(() => code),
        { parts: ['nodes'] },
      ),
      CannotAsk,
    )
  }
})
