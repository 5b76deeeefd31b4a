import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { fit, patchAssigned, readRequest } from '../../../src/core/ipam/index.ts'
import type { Allocation, Asked, Service } from '../../../src/core/model/index.ts'
import { eip, holder, optIn, pools, record, service } from './world.ts'

const ours = {
  address: 'eip.openelb.kubesphere.io/v1alpha1',
  pool: 'eip.openelb.kubesphere.io/v1alpha2',
  protocol: 'protocol.openelb.kubesphere.io/v1alpha1',
} as const
const theirs = {
  address: 'eip.porter.kubesphere.io/v1alpha1',
  pool: 'eip.porter.kubesphere.io/v1alpha2',
  protocol: 'protocol.porter.kubesphere.io/v1alpha1',
} as const

/** What is asked, without what nobody asked. */
function asks(of: Service, own: readonly Allocation[] = [], claimed: readonly Allocation[] = []): Partial<Asked> {
  const read = readRequest(of, own, 4, claimed)
  assert.ok(read.ok, read.ok ? '' : read.reason.message)
  return JSON.parse(JSON.stringify(read.request.asked)) as Partial<Asked>
}

const fresh = (annotations: Record<string, string>, spec: Record<string, unknown> = {}): Service =>
  service('ns/s', { annotations: { ...optIn, ...annotations }, spec })

// As it is stored once it has the address of the pool: what the user wrote, and what was written over it.
function live(annotations: Record<string, string>, address = '10.0.0.1', spec: Record<string, unknown> = {}): Service {
  const written = { [ours.address]: address, [ours.pool]: 'a', [ours.protocol]: 'bgp', 'bellhop.dev/claim': 'c' }
  return service('ns/s', { annotations: { ...optIn, ...written, ...annotations }, spec, ingress: [address] })
}

const had = (asked: Partial<Asked> = {}, address = '10.0.0.1'): readonly Allocation[] => [
  record(
    address,
    'a',
    holder('ns/s', 'c', { asked: { pool: undefined, address: undefined, loadBalancerIP: undefined, ...asked } }),
  ),
]

suite("both spellings of an annotation (part of ADM-12): OpenELB's wins", () => {
  test("Porter's alone is a request, for each of the three", () => {
    const annotations = { [theirs.address]: '10.0.0.1', [theirs.pool]: 'a', [theirs.protocol]: 'bgp' }
    assert.deepEqual(asks(fresh(annotations)), { address: '10.0.0.1', pool: 'a', protocol: 'bgp' })
    assert.deepEqual(asks(live(annotations), had({ address: '10.0.0.1', pool: 'a', protocol: 'bgp' })), {
      address: '10.0.0.1',
      pool: 'a',
      protocol: 'bgp',
    })
  })

  test('with different values, at creation and once the address is had', () => {
    const annotations = { [ours.address]: '10.0.0.1', [theirs.address]: '10.0.0.2' }
    const asked = { address: '10.0.0.1', porter: { address: '10.0.0.2' } }
    assert.deepEqual(asks(fresh(annotations)), asked)
    assert.deepEqual(asks(live(annotations), had(asked)), asked)
  })

  test("an edit of Porter's after the assignment counts, beside what Bellhop wrote", () => {
    assert.equal(asks(live({ [theirs.address]: '10.0.0.9' }), had()).address, '10.0.0.9')
    assert.equal(
      asks(live({ [theirs.address]: '10.0.0.9' }), had({ address: '10.0.0.1' })).address,
      '10.0.0.9',
      'the address was asked for in this spelling',
    )
    assert.equal(asks(live({ [theirs.pool]: 'b' }), had({ pool: 'a' })).pool, 'b')
    assert.equal(asks(live({ [theirs.protocol]: 'layer2' }), had({ protocol: 'bgp' })).protocol, 'layer2')
    const outdone = had({ address: '10.0.0.1', porter: { address: '10.0.0.2' } })
    assert.equal(asks(live({ [theirs.address]: '10.0.0.9' }), outdone).address, '10.0.0.9', 'it was another before')
  })

  test('what was outdone counts when the one that outdid it goes', () => {
    const outdone = had({ address: '10.0.0.1', porter: { address: '10.0.0.2' } })
    const { annotations, ...rest } = live({ [theirs.address]: '10.0.0.2' })
    const { [ours.address]: _, ...without } = annotations
    assert.equal(asks({ ...rest, annotations: without }, outdone).address, '10.0.0.2')
  })

  test("what stands in Porter's spelling never draws a Service back that was moved by other means", () => {
    const spec = { loadBalancerIP: '10.0.0.9' }
    const before = had({ address: '10.0.0.1' })
    const moving = asks(live({ [theirs.address]: '10.0.0.1' }, '10.0.0.1', spec), before)
    assert.equal(moving.address, '10.0.0.9')
    const moved = asks(live({ [theirs.address]: '10.0.0.1' }, '10.0.0.9', spec), had(moving, '10.0.0.9'))
    assert.deepEqual(moved, moving)
  })

  test('of a copy, what came along is no request in either spelling; what was edited is', () => {
    const claimed = [
      record('10.0.0.1', 'a', holder('ns/other', 'c', { asked: { ...had()[0]?.holders[0]?.asked } as Asked })),
    ]
    const copy = (annotations: Record<string, string>): Service => ({ ...live(annotations), ingress: [] })
    assert.equal(asks(copy({ [theirs.address]: '10.0.0.1' }), [], claimed).address, undefined)
    assert.equal(asks(copy({ [theirs.address]: '10.0.0.7' }), [], claimed).address, '10.0.0.7')
  })
})

suite('the protocol', () => {
  const two = pools([
    eip('a', { address: '10.0.0.0/24' }),
    eip('b', { address: '10.1.0.0/24', protocol: 'layer2', interface: 'eth0' }),
  ])

  test('that Bellhop wrote is none that is asked for; edited, it is, and the address no longer does', () => {
    assert.equal(asks(live({}), had()).protocol, undefined)
    const edited = live({ [ours.protocol]: 'layer2' })
    const read = readRequest(edited, had(), 4)
    assert.ok(read.ok)
    assert.equal(read.request.protocol, 'layer2')
    assert.deepEqual(fit(had(), read.request, two).families, [])
  })

  test('asked for once counts as long as it stands there', () => {
    assert.equal(asks(live({}), had({ protocol: 'bgp' })).protocol, 'bgp')
    const { annotations, ...rest } = live({})
    const { [ours.protocol]: _, ...without } = annotations
    assert.equal(asks({ ...rest, annotations: without }, had({ protocol: 'bgp' })).protocol, undefined)
  })

  test('that Bellhop wrote follows the pool; one that was asked for stays', () => {
    const held = [{ address: { family: 4, bits: 1n }, eip: 'b', protocol: 'layer2' }] as const
    const path = '/metadata/annotations/protocol.openelb.kubesphere.io~1v1alpha1'
    const written = (asked: Pick<Asked, 'protocol'>): unknown =>
      patchAssigned(live({}), held, 'c', asked).find((operation) => operation.path === path)?.value
    assert.equal(written({}), 'layer2')
    assert.equal(written({ protocol: 'bgp' }), undefined)
  })
})
