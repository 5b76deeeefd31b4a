import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bgpPeers, customResourceDefinitions, eips } from '../../../src/io/kube/index.ts'
import { withOwnersOf } from '../../../controller/storage-version.ts'
import { type Stage, openStage } from './stage.ts'

function define(stage: Stage, plural: string, storedVersions: readonly string[], storage = 'v1alpha2'): void {
  const versions = ['v1alpha1', 'v1alpha2'].map((name) => ({ name, served: true, storage: name === storage }))
  const metadata = { name: `${plural}.network.kubesphere.io` }
  stage.api.put(customResourceDefinitions, { metadata, spec: { versions }, status: { storedVersions } })
}

function storedVersions(stage: Stage, plural: string): unknown {
  const status = stage.api.get(customResourceDefinitions, `${plural}.network.kubesphere.io`)?.['status']
  return (status as { storedVersions?: unknown } | undefined)?.storedVersions
}

/** Patches that say nothing, by path. */
function rewrites(stage: Stage): readonly string[] {
  return stage
    .writes()
    .filter(({ method, body }) => method === 'PATCH' && JSON.stringify(body) === '{}')
    .map(({ path }) => path)
}

const old = ['v1alpha1', 'v1alpha2']
const eipsPath = '/apis/network.kubesphere.io/v1alpha2/eips'

void test('objects of a kind once stored as v1alpha1 are each written once, then v1alpha1 is stored no more', async () => {
  const stage = await openStage()
  try {
    define(stage, 'eips', old)
    define(stage, 'bgpconfs', ['v1alpha2'])
    define(stage, 'bgppeers', old)
    const names = Array.from({ length: 130 }, (_, index) => `p${String(index).padStart(3, '0')}`)
    for (const [index, name] of names.entries()) stage.eip(name, { address: `10.0.${index}.0/30` })
    await stage.start()
    await stage.until('both kinds are stored as v1alpha2', () =>
      ['eips', 'bgppeers'].every((plural) => JSON.stringify(storedVersions(stage, plural)) === '["v1alpha2"]'),
    )
    assert.deepEqual(rewrites(stage).toSorted(), names.map((name) => `${eipsPath}/${name}`).toSorted())
    const seen = rewrites(stage).length
    await stage.start('another')
    await stage.rest()
    assert.equal(rewrites(stage).length, seen, 'and never again')
  } finally {
    await stage.close()
  }
})

void test('nothing is written while a definition is missing, names v1alpha2 alone, or stores v1alpha1', async () => {
  const stage = await openStage()
  try {
    define(stage, 'eips', ['v1alpha2'])
    define(stage, 'bgpconfs', old, 'v1alpha1')
    stage.eip('pool', { address: '192.0.2.0/30' })
    await stage.start()
    await stage.until('the Eip has its status', () => stage.get(eips, 'pool')?.['status'] !== undefined)
    await stage.rest()
    assert.deepEqual(rewrites(stage), [])
    assert.deepEqual(storedVersions(stage, 'bgpconfs'), old)
  } finally {
    await stage.close()
  }
})

void test('a rewrite that fails is tried again, and storedVersions stays as it is until all are through', async () => {
  const stage = await openStage()
  try {
    define(stage, 'bgppeers', old)
    stage.api.put(bgpPeers, { metadata: { name: 'leaf1' }, spec: {} })
    const fault = stage.api.inject(
      ({ method, path, body }) =>
        method === 'PATCH' && path.endsWith('/bgppeers/leaf1') && JSON.stringify(body) === '{}',
      { status: 500 },
      3,
    )
    await stage.start()
    await stage.until('it failed', () => fault.left < 3)
    assert.deepEqual(storedVersions(stage, 'bgppeers'), old)
    await stage.until('it got through', () => JSON.stringify(storedVersions(stage, 'bgppeers')) === '["v1alpha2"]', {
      stepMs: 100,
    })
    assert.equal(fault.left, 0)
  } finally {
    await stage.close()
  }
})

void test('field owners of v1alpha1 become owners of v1alpha2, others stay', () => {
  const entry = (version: string) => ({ manager: 'kubectl', apiVersion: `network.kubesphere.io/${version}` })
  const metadata = { name: 'a', managedFields: [entry('v1alpha2'), entry('v1alpha1')] }
  assert.deepEqual(withOwnersOf(eips, { metadata }), [
    { op: 'test', path: '/metadata/managedFields/1', value: entry('v1alpha1') },
    { op: 'replace', path: '/metadata/managedFields/1/apiVersion', value: 'network.kubesphere.io/v1alpha2' },
  ])
  assert.deepEqual(withOwnersOf(eips, { metadata: { name: 'a' } }), [])
})
