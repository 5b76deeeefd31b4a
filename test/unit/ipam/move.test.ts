import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { formatIp } from '../../../src/core/address/index.ts'
import { type PlanInput, planService } from '../../../src/core/ipam/index.ts'
import type { Allocation, Holder, Service } from '../../../src/core/model/index.ts'
import { asDefault, eip, holder, ip, nothingKept, optIn, pools, record, service, taken } from './world.ts'

const address = 'eip.openelb.kubesphere.io/v1alpha1'
const poolKey = 'eip.openelb.kubesphere.io/v1alpha2'
const a = eip('a', { address: '10.0.0.0/24' }, asDefault)
const b = eip('b', { address: '10.1.0.0/24' })
const written = {
  ...optIn,
  [address]: '10.0.0.5',
  [poolKey]: 'a',
  'protocol.openelb.kubesphere.io/v1alpha1': 'bgp',
  'bellhop.dev/claim': 'c',
}

// As it is stored once it has 10.0.0.5, with what was edited since.
function live(annotations: Record<string, string> = {}, spec: Record<string, unknown> = {}): Service {
  return service('ns/s', {
    annotations: { ...written, ...annotations },
    labels: { [poolKey]: 'a' },
    spec,
    ingress: ['10.0.0.5'],
  })
}

const asked = (more: Partial<Holder['asked']>): Partial<Holder> => ({
  asked: { pool: undefined, address: undefined, loadBalancerIP: undefined, ...more },
})
const mine = (at: string, eipName = 'a', more: Partial<Holder> = {}): Allocation =>
  record(at, eipName, holder('ns/s', 'c', more))

interface Given {
  readonly of: Service
  readonly records?: readonly Allocation[]
  readonly others?: readonly Allocation[]
  readonly services?: readonly Service[]
  readonly more?: Partial<PlanInput>
}

function inputOf({ of, records = [], others = [], services = [], more = {} }: Given): PlanInput {
  return {
    key: 'ns/s',
    service: of,
    records,
    pools: pools([a, b]),
    taken: taken(...records, ...others),
    findService: (namespace, name) =>
      [of, ...services].find((each) => each.namespace === namespace && each.name === name),
    start: 0,
    ageMs: () => 0,
    wasBound: () => true,
    ...nothingKept,
    ...more,
  }
}

/** `status 10.0.0.5`, `release 10.0.0.5`: what becomes of addresses. */
function moves(given: Given): readonly string[] {
  const { steps } = planService(inputOf(given))
  return steps.flatMap((step) => {
    if (step.kind === 'writeStatus' && step.ingress !== undefined) {
      return [`status ${step.ingress.map(formatIp).join()}`.trim()]
    }
    if (step.kind === 'claim') {
      for (const drafts of step.candidates) return [`claim ${drafts.map((draft) => formatIp(draft.address)).join()}`]
    }
    return step.kind === 'release' || step.kind === 'bind' ? [`${step.kind} ${formatIp(step.record.address)}`] : []
  })
}

suite('with the old record and the new one held, the move ends', () => {
  test('after an edit of the pool alone (part of IPAM-27)', () => {
    const records = [mine('10.0.0.5'), mine('10.1.0.7', 'b', asked({ pool: 'b' }))]
    assert.deepEqual(moves({ of: live({ [poolKey]: 'b' }), records }), ['status 10.1.0.7', 'release 10.0.0.5'])
  })

  test('after an edit of loadBalancerIP alone (part of IPAM-27)', () => {
    const to = { address: '10.0.0.9', loadBalancerIP: '10.0.0.9' }
    const records = [mine('10.0.0.5'), mine('10.0.0.9', 'a', asked(to))]
    const edited = live({}, { loadBalancerIP: '10.0.0.9' })
    assert.deepEqual(moves({ of: edited, records }), ['status 10.0.0.9', 'release 10.0.0.5'])
  })

  test('after an edit of the address, whichever record sorts first (part of IPAM-16)', () => {
    for (const to of ['10.0.0.3', '10.0.0.8']) {
      const records = [mine('10.0.0.5'), mine(to, 'a', asked({ address: to }))]
      const sorted = to < '10.0.0.5' ? records.toReversed() : records
      assert.deepEqual(moves({ of: live({ [address]: to }), records: sorted }), [`status ${to}`, 'release 10.0.0.5'])
    }
  })
})

suite('a second record that nobody asked for is let go', () => {
  test('the one in the status stays', () => {
    assert.deepEqual(moves({ of: live(), records: [mine('10.0.0.3'), mine('10.0.0.5')] }), ['release 10.0.0.3'])
  })

  test('the one in the status stays, also without the annotation', () => {
    const bare = service('ns/s', { labels: { [poolKey]: 'a' }, ingress: ['10.0.0.5'] })
    const records = ['10.0.0.3', '10.0.0.5'].map((at) => record(at, 'a', holder('ns/s', bare.uid)))
    assert.deepEqual(moves({ of: bare, records }), ['release 10.0.0.3'])
  })

  test('before the first status, the one that the answer to the create named', () => {
    const fresh = { ...live(), ingress: [] }
    const records = [mine('10.0.0.3'), mine('10.0.0.5')]
    assert.deepEqual(moves({ of: fresh, records }), ['status 10.0.0.5', 'release 10.0.0.3'])
  })
})

suite('row 5: two want one address without the right to share', () => {
  const older = service('ns/older', { ingress: ['10.0.0.5'] })
  const held = record('10.0.0.5', 'a', holder('ns/older'))

  test('it leaves the status of the younger one, also where there is no other address', () => {
    const wants = service('ns/s', { annotations: { ...optIn, [address]: '10.0.0.5' }, ingress: ['10.0.0.5'] })
    assert.deepEqual(moves({ of: wants, others: [held], services: [older] }), ['status'])
  })

  test('of two holders whose ports collide by now the later one is assigned elsewhere', () => {
    const both = record('10.0.0.5', 'a', holder('ns/older'), holder('ns/s', 'c', asked({ address: '10.0.0.5' })))
    assert.deepEqual(moves({ of: live(), records: [both], services: [older] }), ['claim 10.0.0.0'])
    const records = [both, mine('10.0.0.0')]
    assert.deepEqual(moves({ of: live(), records, services: [older] }), ['status 10.0.0.0', 'release 10.0.0.5'])
  })

  test('the earlier one keeps it', () => {
    const younger = service('ns/younger', { ingress: ['10.0.0.5'] })
    const both = record('10.0.0.5', 'a', holder('ns/s', 'c'), holder('ns/younger'))
    assert.deepEqual(moves({ of: live(), records: [both], services: [younger] }), [])
  })
})

suite('row 1: the record of the address in the status is lost', () => {
  test('the same address is claimed again, whatever the Service asks for now', () => {
    assert.deepEqual(moves({ of: live({ [address]: 'nonsense' }) }), ['claim 10.0.0.5'])
    assert.deepEqual(moves({ of: live({ [poolKey]: 'nowhere' }) }), ['claim 10.0.0.5'])
  })

  test('also when the Eip hands nothing out, or is gone', () => {
    const disabled = pools([eip('a', { address: '10.0.0.0/24', disable: true }, asDefault)])
    assert.deepEqual(moves({ of: live(), more: { pools: disabled } }), ['claim 10.0.0.5'])
    assert.deepEqual(moves({ of: live(), more: { pools: pools([]) } }), ['claim 10.0.0.5'])
  })

  test('those who shared it share it again', () => {
    const other = service('ns/other', { spec: { ports: [{ port: 443 }] }, ingress: ['10.0.0.5'] })
    const ports = [{ protocol: 'TCP', port: 443 }]
    const others = [record('10.0.0.5', 'a', holder('ns/other', 'other', { ports }))]
    assert.deepEqual(moves({ of: live(), others, services: [other] }), ['bind 10.0.0.5'])
  })
})

suite('a copy of another Service', () => {
  const original = record('10.1.0.7', 'b', holder('ns/original', 'c', asked({ pool: 'b' })))
  const copy = (annotations: Record<string, string>): Service =>
    service('ns/s', { annotations: { ...written, [address]: '10.1.0.7', [poolKey]: 'b', ...annotations } })

  test('gets its own address, of the pool that was asked for there (part of ADM-10)', () => {
    assert.deepEqual(moves({ of: copy({}), others: [original] }), ['claim 10.1.0.0'])
    const assigned = record('10.1.0.7', 'b', holder('ns/original', 'c'))
    assert.deepEqual(moves({ of: copy({}), others: [assigned] }), ['claim 10.0.0.0'])
  })

  test('has a claim of its own', () => {
    const of = copy({})
    const { steps } = planService({
      ...{ key: 'ns/s', service: of, records: [], pools: pools([a, b]), taken: taken(original), start: 0 },
      ...{ findService: () => undefined, ageMs: () => 0, wasBound: () => true, ...nothingKept },
    })
    assert.deepEqual(
      steps.map((step) => step.kind === 'claim' && step.holder.claim),
      [of.uid],
    )
  })

  test('what was changed in it is a request', () => {
    assert.deepEqual(moves({ of: copy({ [address]: '10.1.0.9' }), others: [original] }), ['claim 10.1.0.9'])
  })
})

suite('dual stack', () => {
  test('PreferDualStack with one family to be had: assigned, and no claim that cannot succeed', () => {
    const both = { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' }
    assert.deepEqual(moves({ of: { ...live({}, both), ingress: [] }, records: [mine('10.0.0.5')] }), [
      'status 10.0.0.5',
    ])
    assert.deepEqual(moves({ of: live({}, both), records: [mine('10.0.0.5')] }), [])
  })

  test('PreferDualStack goes by the second family while the first is lacking, then has both', () => {
    const prefers = { ipFamilies: ['IPv6', 'IPv4'], ipFamilyPolicy: 'PreferDualStack' }
    const fresh = service('ns/s', { spec: prefers })
    assert.deepEqual(moves({ of: fresh }), ['claim 10.0.0.0'])
    assert.deepEqual(moves({ of: live({}, prefers), records: [mine('10.0.0.5')] }), [])
    const six = eip('six', { address: 'fd00::/64' })
    const asking = live({ [poolKey]: 'a,six' }, prefers)
    const withSix = { pools: pools([a, six]) }
    assert.deepEqual(moves({ of: asking, records: [mine('10.0.0.5')], more: withSix }), ['claim fd00::'])
    const pool = asked({ pool: 'a,six' })
    const both = [mine('10.0.0.5', 'a', pool), mine('fd00::', 'six', pool)]
    assert.deepEqual(moves({ of: asking, records: both, more: withSix }), ['status fd00::,10.0.0.5'])
  })

  test('PreferDualStack: an address that is not to be had does not cost the one in its place, nor the other family', () => {
    const prefers = { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' }
    const six = eip('six', { address: 'fd00::/64' })
    const base = live({ [address]: '10.0.0.9,fd00::7', [poolKey]: 'a,six' }, prefers)
    const of = { ...base, ingress: [...base.ingress, ip('fd00::7')] }
    const records = [mine('10.0.0.5'), mine('fd00::7', 'six')]
    const others = [record('10.0.0.9', 'a', holder('ns/other'))]
    const services = [service('ns/other')]
    const more = { pools: pools([a, six]) }
    assert.deepEqual(moves({ of, records, others, services, more }), [])
    const { steps } = planService({ ...inputOf({ of, records, others, services }), ...more })
    const told = steps.flatMap((step) => (step.kind === 'writeStatus' ? step.conditions : []))
    assert.deepEqual(
      told.map(({ status, reason }) => `${status} ${reason}`),
      ['True KeptAddress'],
    )
  })

  test('RequireDualStack does not start with one address of a Service that had the name before', () => {
    const both = { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }
    const fresh = service('ns/s', { spec: both })
    assert.deepEqual(moves({ of: fresh, records: [mine('10.0.0.5')] }), ['release 10.0.0.5'])
  })
})
