import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { type Judgement, judgeServiceUpdate, putBackClaim } from '../../../src/core/admission/index.ts'
import type { Allocation, Service } from '../../../src/core/model/index.ts'
import { asDefault, eip, holder, optIn, pools, record, service, taken } from '../ipam/world.ts'

const address = 'eip.openelb.kubesphere.io/v1alpha1'
const poolKey = 'eip.openelb.kubesphere.io/v1alpha2'
const a = eip('a', { address: '10.0.0.0/29' }, asDefault)
const b = eip('b', { address: '10.1.0.0/30' })
const written = { ...optIn, [address]: '10.0.0.1', [poolKey]: 'a', 'bellhop.dev/claim': 'c' }

function stored(annotations: Record<string, string> = {}, spec: Record<string, unknown> = {}): Service {
  return service('ns/s', {
    annotations: { ...written, ...annotations },
    labels: { [poolKey]: 'a' },
    spec,
    ingress: ['10.0.0.1'],
  })
}

const own = record('10.0.0.1', 'a', holder('ns/s', 'c'))

function judge(before: Service, after: Service, records: readonly Allocation[] = [own]): string {
  const judgement: Judgement = judgeServiceUpdate(before, after, pools([a, b]), taken(...records))
  if (judgement.kind === 'refuse') return `refuse ${judgement.reason.code}`
  return ['allow', ...judgement.warnings.map(({ code }) => code)].join(' ')
}

suite('a change of a live Service', () => {
  test('what it does not change is not judged', () => {
    const bad = stored({ [address]: 'nonsense' })
    assert.equal(judge(bad, bad), 'allow')
    assert.equal(judge(stored(), stored({}, { ports: [{ port: 443 }] })), 'allow')
  })

  test('another free address or pool', () => {
    assert.equal(judge(stored(), stored({ [address]: '10.0.0.2' })), 'allow')
    assert.equal(judge(stored(), stored({ [poolKey]: 'b' })), 'allow')
  })

  test('a taken address: admitted with a warning; a contradiction: refused (ADM-11 in part)', () => {
    const other = record('10.0.0.2', 'a', holder('ns/other'))
    assert.equal(judge(stored(), stored({ [address]: '10.0.0.2' }), [own, other]), 'allow PortCollision')
    assert.equal(judge(stored(), stored({ [address]: '10.0.0.2', [poolKey]: 'b' })), 'refuse AddressOutsidePool')
    assert.equal(judge(stored(), stored({ [address]: 'nonsense' })), 'refuse MalformedAddress')
    assert.equal(
      judge(stored(), stored({ 'protocol.openelb.kubesphere.io/v1alpha1': 'foo' })),
      'refuse MalformedObject',
    )
  })

  test('a Service that is being deleted, or is not ours, passes', () => {
    assert.equal(judge(stored(), { ...stored({ [address]: 'nonsense' }), deleting: true }), 'allow')
    assert.equal(judge(stored(), stored({ [address]: 'nonsense', 'lb.kubesphere.io/v1alpha1': 'other' })), 'allow')
  })
})

suite('a change of a Service that shares its address', () => {
  const sharedWith = (key: string): Allocation =>
    record('10.0.0.1', 'a', holder(key, 'other', { ports: [{ protocol: 'TCP', port: 443 }] }), holder('ns/s', 'c'))

  test('a port that another one uses there is refused, another port is not', () => {
    const records = [sharedWith('ns/other')]
    assert.equal(judge(stored(), stored({}, { ports: [{ port: 443 }] }), records), 'refuse SharingBroken')
    assert.equal(judge(stored(), stored({}, { ports: [{ port: 8080 }] }), records), 'allow')
  })

  test('another policy, another selector with policy Local', () => {
    const records = [sharedWith('ns/other')]
    const local = (app: string): Service => stored({}, { externalTrafficPolicy: 'Local', selector: { app } })
    assert.equal(judge(stored(), local('x'), records), 'refuse SharingBroken')
    assert.equal(judge(local('x'), local('y'), records), 'refuse SharingBroken')
    assert.equal(judge(local('x'), local('x'), records), 'allow')
  })

  test('the sharing key, when the other one is in another namespace', () => {
    const key = { 'bellhop.dev/sharing-key': 'k' }
    assert.equal(judge(stored(key), stored(), [sharedWith('elsewhere/other')]), 'refuse SharingBroken')
    assert.equal(judge(stored(key), stored(), [sharedWith('ns/other')]), 'allow')
  })
})

suite('a replace with the original manifest', () => {
  test('label and claim are put back while the Service stays ours (part of ADM-14)', () => {
    const original = service('ns/s', { annotations: optIn })
    assert.deepEqual(putBackClaim(stored(), original, pools([a])), [
      { op: 'add', path: '/metadata/annotations/bellhop.dev~1claim', value: 'c' },
      { op: 'add', path: '/metadata/labels', value: { [poolKey]: 'a' } },
    ])
    assert.deepEqual(putBackClaim(stored(), stored(), pools([a])), [])
    const optedOut = service('ns/s', { annotations: { 'lb.kubesphere.io/v1alpha1': 'other' } })
    assert.deepEqual(putBackClaim(stored(), optedOut, pools([a])), [])
  })
})
