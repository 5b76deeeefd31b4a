import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyPatch } from 'rfc6902'
import { withoutLegacyFinalizers } from '../../../controller/finalizers.ts'
import { isLegacyFinalizer } from '../../../src/core/model/index.ts'

const legacy = [
  'finalizer.lb.kubesphere.io/v1apha1',
  'finalizer.lb.kubesphere.io/v1apha1/node1',
  'finalizer.lb.kubesphere.io/node1',
  'finalizer.lb.kubesphere.io/v1alpha1',
  'finalizer.ipam.kubesphere.io/v1alpha1',
  'node-proxy.porter.kubesphere.io/finalizer',
  'node-proxy.openelb.kubesphere.io/finalizer',
]
const foreign = ['foregroundDeletion', 'service.kubernetes.io/load-balancer-cleanup', 'kubesphere.io/workspace']

void test('every finalizer of OpenELB and Porter is known, and no other (part of OPS-03)', () => {
  for (const finalizer of legacy) assert.equal(isLegacyFinalizer(finalizer), true, finalizer)
  for (const finalizer of foreign) assert.equal(isLegacyFinalizer(finalizer), false, finalizer)
})

void test('those of others stay, in their order (part of OPS-03)', () => {
  const finalizers = [legacy[0]!, foreign[0]!, legacy[3]!, legacy[4]!, foreign[1]!]
  const object = { metadata: { finalizers: [...finalizers] } }
  const outcome = applyPatch(object, [...withoutLegacyFinalizers(finalizers)] as never)
  assert.ok(outcome.every((failure) => failure === null))
  assert.deepEqual(object.metadata.finalizers, [foreign[0], foreign[1]])
})

void test('a list that changed meanwhile fails the patch', () => {
  const outcome = applyPatch({ metadata: { finalizers: [foreign[0]!] } }, [
    ...withoutLegacyFinalizers([legacy[0]!]),
  ] as never)
  assert.ok(outcome.some((failure) => failure !== null))
  assert.deepEqual(withoutLegacyFinalizers(foreign), [])
})
