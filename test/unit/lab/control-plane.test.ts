import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type FoundProgram, type ProgramName, choosePrograms, readMinor } from '../../control-plane/choose.ts'

const servers = { 'kube-apiserver': 34, 'kube-controller-manager': 34, 'kube-proxy': 34 }

function choose(minors: Partial<Record<ProgramName, number>>): readonly string[] {
  const found = new Map<ProgramName, FoundProgram>()
  for (const [name, minor] of Object.entries(minors)) found.set(name as ProgramName, { path: `/bin/${name}`, minor })
  return [...choosePrograms(found, 36).keys()].toSorted()
}

test('a whole control plane of one version is used as it is', () => {
  assert.deepEqual(choose({ ...servers, kubectl: 35, etcd: 6 }), [
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kube-proxy',
    'kubectl',
  ])
})

test('servers are used together or not at all, from 1.32 on', () => {
  assert.deepEqual(choose({ 'kube-apiserver': 34, etcd: 6 }), ['etcd'])
  assert.deepEqual(choose({ ...servers, 'kube-proxy': 33 }), [])
  assert.deepEqual(choose({ 'kube-apiserver': 31, 'kube-controller-manager': 31, 'kube-proxy': 31 }), [])
})

test('kubectl is at most one minor version away from the API server, found or built', () => {
  assert.deepEqual(choose({ kubectl: 32 }), [])
  assert.deepEqual(choose({ kubectl: 35 }), ['kubectl'])
  assert.ok(!choose({ ...servers, kubectl: 36 }).includes('kubectl'))
})

test('an etcd before 3.5 is not used', () => {
  assert.deepEqual(choose({ etcd: 4 }), [])
})

test('versions are read as the programs print them', () => {
  assert.equal(readMinor('kube-apiserver', 'Kubernetes v1.36.3\n'), 36)
  assert.equal(readMinor('kubectl', 'Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0\n'), 32)
  assert.equal(readMinor('etcd', 'etcd Version: 3.6.8\nGit SHA: Not provided\n'), 6)
  assert.equal(readMinor('kubectl', 'command not found'), undefined)
})
