import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { type Judgement, judgeServiceUpdate, putBackClaim } from '../../../src/core/admission/index.ts'
import type { Allocation, Eip, Service } from '../../../src/core/model/index.ts'
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

function judge(
  before: Service,
  after: Service,
  records: readonly Allocation[] = [own],
  eips: readonly Eip[] = [a, b],
): string {
  const judgement: Judgement = judgeServiceUpdate(before, after, pools(eips), taken(...records))
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

suite('maxPerNamespace and a live Service', () => {
  const limited = eip('a', { address: '10.0.0.0/29', maxPerNamespace: 1 }, asDefault)
  const elsewhere = eip('b', { address: '10.1.0.0/30', maxPerNamespace: 1 })
  const eips = [limited, elsewhere]

  test('another address of the same Eip: the one it gives back does not count', () => {
    assert.equal(judge(stored(), stored({ [address]: '10.0.0.2' }), [own], eips), 'allow')
  })

  test('of another Eip that has none left for the namespace: refused', () => {
    const there = record('10.1.0.1', 'b', holder('ns/other'))
    assert.equal(judge(stored(), stored({ [poolKey]: 'b' }), [own, there], eips), 'refuse QuotaExceeded')
    assert.equal(judge(stored(), stored({ [poolKey]: 'b' }), [own], eips), 'allow')
  })

  test('an address that the namespace goes on holding when the Service leaves it does count', () => {
    const shared = record('10.0.0.1', 'a', holder('ns/s', 'c'), holder('ns/other', 'd', { ports: [] }))
    assert.equal(judge(stored(), stored({ [address]: '10.0.0.2' }), [shared], eips), 'refuse QuotaExceeded')
  })

  test('a second family of the same Eip counts as one more', () => {
    const both = eip('a', { address: '10.0.0.0/29', extraAddresses: ['fd00::/120'], maxPerNamespace: 1 }, asDefault)
    const dual = stored({}, { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] })
    const single = stored({}, { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] })
    assert.equal(judge(single, dual, [own], [both]), 'refuse QuotaExceeded')
  })
})

suite('the protocol annotation edited alone', () => {
  const protocol = 'protocol.openelb.kubesphere.io/v1alpha1'
  const layer2 = eip('l2', { address: '10.2.0.0/30', protocol: 'layer2', interface: 'eth0', namespaces: ['ns'] })
  const live = stored({ [protocol]: 'bgp' })

  test('against the Eip that was asked for: refused', () => {
    const asked = { pool: 'a', address: undefined, loadBalancerIP: undefined }
    const named = record('10.0.0.1', 'a', holder('ns/s', 'c', { asked }))
    assert.equal(judge(live, stored({ [protocol]: 'layer2' }), [named], [a, layer2]), 'refuse ProtocolMismatch')
  })

  test('no Eip asked for: moved to one that has it, or warned that there is none', () => {
    assert.equal(judge(live, stored({ [protocol]: 'layer2' }), [own], [a, layer2]), 'allow')
    assert.equal(judge(live, stored({ [protocol]: 'layer2' }), [own], [a]), 'allow FamilyUnavailable')
  })
})

suite('a Service that becomes ours', () => {
  const asks = { ...optIn, [poolKey]: 'b', [address]: '10.0.0.1' }
  const internal = service('ns/s', { annotations: asks, spec: { type: 'ClusterIP' } })

  test("is judged whole: what it asked for was nobody's business before", () => {
    const after = service('ns/s', { annotations: asks })
    assert.equal(judge(internal, after, []), 'refuse AddressOutsidePool')
    const other = service('ns/s', { annotations: { ...asks, 'lb.kubesphere.io/v1alpha1': 'metallb' } })
    assert.equal(judge(other, after, []), 'refuse AddressOutsidePool')
  })

  test('one that stops being ours, or is a stranger before and after, passes', () => {
    assert.equal(judge(stored(), internal), 'allow')
    const foreign = service('ns/s', { annotations: asks, spec: { loadBalancerClass: 'example.com/other' } })
    assert.equal(judge(foreign, { ...foreign, ports: [] }, []), 'allow')
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
