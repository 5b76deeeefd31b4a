import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { applyPatch } from 'rfc6902'

import {
  type Admission,
  type JsonPatch,
  decideAdmission,
  patchMap,
  readReview,
} from '../../../src/core/admission/index.ts'
import type { Pools, Taken } from '../../../src/core/ipam/index.ts'
import type { Service } from '../../../src/core/model/index.ts'
import { asDefault, eip, holder, optIn, pools, record, service, taken } from '../ipam/world.ts'

const pool = eip('a', { address: '10.0.0.0/29' }, asDefault)

function decide(
  asking: Service,
  among: Pools = pools([pool]),
  index: Taken = taken(),
  unavailable: 'wait' | 'refuse' = 'wait',
): Admission {
  return decideAdmission({ service: asking, dryRun: false }, among, index, { start: 0, nonce: 'nonce', unavailable })
}

interface Stored {
  readonly metadata: { readonly annotations?: Record<string, string>; readonly labels?: Record<string, string> }
}

/** The Service as the API server stores it after the answer. */
function patched({ annotations, labels }: Service, patch: JsonPatch): Stored {
  const stored: Stored = {
    metadata: {
      ...(Object.keys(annotations).length === 0 ? {} : { annotations: { ...annotations } }),
      ...(Object.keys(labels).length === 0 ? {} : { labels: { ...labels } }),
    },
  }
  const problems = applyPatch(stored, [...patch] as never).filter((problem) => problem !== null)
  assert.deepEqual(problems, [], 'every operation applies')
  return stored
}

function answer(asking: Service, admission: Admission): Stored {
  assert.equal(admission.kind, 'claim', JSON.stringify(admission))
  if (admission.kind !== 'claim') return { metadata: {} }
  for (const drafts of admission.candidates) return patched(asking, admission.patch(drafts))
  throw new Error('no candidate')
}

suite('a Service being created', () => {
  test('the answer carries opt-in, pool, address, protocol, claim and the label', () => {
    const adopting = pools([eip('a', { address: '10.0.0.0/29', adopt: true }, asDefault)])
    const asking = service('ns/s', { annotations: {} })
    assert.deepEqual(answer(asking, decide(asking, adopting)), {
      metadata: {
        annotations: {
          'lb.kubesphere.io/v1alpha1': 'openelb',
          'eip.openelb.kubesphere.io/v1alpha2': 'a',
          'eip.openelb.kubesphere.io/v1alpha1': '10.0.0.0',
          'protocol.openelb.kubesphere.io/v1alpha1': 'bgp',
          'bellhop.dev/claim': 'nonce',
        },
        labels: { 'eip.openelb.kubesphere.io/v1alpha2': 'a' },
      },
    })
  })

  test('what the user wrote stays: opt-in porter, other annotations and labels', () => {
    const asking = service('ns/s', {
      annotations: { 'lb.kubesphere.io/v1alpha1': 'porter', x: '1' },
      labels: { app: 's' },
    })
    const { metadata } = answer(asking, decide(asking))
    assert.equal(metadata.annotations?.['lb.kubesphere.io/v1alpha1'], 'porter')
    assert.equal(metadata.annotations?.['x'], '1')
    assert.equal(metadata.labels?.['app'], 's')
  })

  test('not ours: no opt-in without an adopting default, another opt-in value, a foreign class, ClusterIP', () => {
    for (const stranger of [
      service('ns/s', { annotations: {} }),
      service('ns/s', { annotations: { 'lb.kubesphere.io/v1alpha1': 'metallb' } }),
      service('ns/s', { spec: { loadBalancerClass: 'example.com/other' } }),
      service('ns/s', { spec: { type: 'ClusterIP' } }),
    ]) {
      assert.equal(decide(stranger).kind, 'ignore')
    }
  })

  test('created again under its name as one that needs both families: a record of one of them is not used', () => {
    const index = taken(record('10.0.0.4', 'a', holder('ns/s', 'first')))
    const spec = { type: 'LoadBalancer', ipFamilyPolicy: 'RequireDualStack' }
    assert.equal(decide(service('ns/s', { annotations: optIn, spec }), pools([pool]), index).kind, 'wait')
    const either = { type: 'LoadBalancer', ipFamilyPolicy: 'PreferDualStack' }
    assert.equal(decide(service('ns/s', { annotations: optIn, spec: either }), pools([pool]), index).kind, 'reuse')
  })

  test('called again with its nonce, or created again under its name, the same record is used', () => {
    const index = taken(record('10.0.0.4', 'a', holder('ns/s', 'first')))
    for (const annotations of [optIn, { ...optIn, 'bellhop.dev/claim': 'first' }]) {
      const asking = service('ns/s', { annotations })
      const admission = decide(asking, pools([pool]), index)
      assert.equal(admission.kind, 'reuse')
      if (admission.kind !== 'reuse') continue
      const { annotations: after = {} } = patched(asking, admission.patch).metadata
      assert.equal(after['eip.openelb.kubesphere.io/v1alpha1'], '10.0.0.4')
      assert.equal(after['bellhop.dev/claim'], 'first')
    }
  })

  test('an address that came with the claim of another Service is a copy, not a request', () => {
    const index = taken(record('10.0.0.4', 'a', holder('ns/original', 'theirs')))
    const copy = service('ns/copy', {
      annotations: {
        ...optIn,
        'bellhop.dev/claim': 'theirs',
        'eip.openelb.kubesphere.io/v1alpha1': '10.0.0.4',
        'eip.openelb.kubesphere.io/v1alpha2': 'a',
      },
    })
    const { annotations = {} } = answer(copy, decide(copy, pools([pool]), index)).metadata
    assert.equal(annotations['eip.openelb.kubesphere.io/v1alpha1'], '10.0.0.0')
    assert.equal(annotations['bellhop.dev/claim'], 'nonce')
  })

  test('what is lacking: admitted with a warning, or refused when started so', () => {
    const asking = service('ns/s', { annotations: { ...optIn, 'eip.openelb.kubesphere.io/v1alpha2': 'nope' } })
    const waits = decide(asking)
    assert.equal(waits.kind === 'wait' ? waits.warnings[0]?.code : waits.kind, 'UnknownPool')
    assert.equal(decide(asking, pools([pool]), taken(), 'refuse').kind, 'refuse')
  })

  test('a malformed address is refused with its text', () => {
    const asking = service('ns/s', { annotations: { ...optIn, 'eip.openelb.kubesphere.io/v1alpha1': '10.0.0.999' } })
    const refused = decide(asking)
    assert.match(refused.kind === 'refuse' ? refused.reason.message : refused.kind, /10\.0\.0\.999/)
  })
})

suite('the pieces', () => {
  test('maps that are missing are made, keys with ~ and / are escaped', () => {
    assert.deepEqual(patchMap(['metadata', 'labels'], {}, { 'a/b~c': '1' }), [
      { op: 'add', path: '/metadata/labels', value: { 'a/b~c': '1' } },
    ])
    assert.deepEqual(patchMap(['metadata', 'labels'], { x: '1', y: '2' }, { 'a/b~c': '1', x: undefined, y: '2' }), [
      { op: 'add', path: '/metadata/labels/a~1b~0c', value: '1' },
      { op: 'remove', path: '/metadata/labels/x' },
    ])
  })

  test('a review of another version, kind or without its parts is answered in one sentence', () => {
    const good = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: 'u', operation: 'CREATE', object: { kind: 'Service' } },
    }
    assert.equal(readReview(good).ok, true)
    for (const bad of [
      undefined,
      {},
      { ...good, apiVersion: 'admission.k8s.io/v1beta1' },
      { ...good, request: {} },
      { ...good, request: { uid: 'u', operation: 'CREATE' } },
    ]) {
      const read = readReview(bad)
      assert.match(read.ok ? '' : read.message, /^the body is no AdmissionReview/)
    }
  })
})
