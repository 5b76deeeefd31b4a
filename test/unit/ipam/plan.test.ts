import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { formatIp } from '../../../src/core/address/index.ts'
import { type PlanInput, type ServicePlan, TakenIndex, planService } from '../../../src/core/ipam/index.ts'
import type { Allocation, Eip, Service } from '../../../src/core/model/index.ts'
import { asDefault, eip, holder, nothingKept, optIn, pools, record, service, taken } from './world.ts'

const pool = eip('a', { address: '10.0.0.0/29' }, asDefault)

interface Given {
  readonly service: Service | undefined
  readonly records?: readonly Allocation[]
  readonly eips?: readonly Eip[]
  readonly others?: readonly Allocation[]
  readonly more?: Partial<PlanInput>
}

function plan({ service: given, records = [], eips = [pool], others = [], more = {} }: Given): ServicePlan {
  return planService({
    key: given === undefined ? 'ns/s' : `${given.namespace}/${given.name}`,
    service: given,
    records,
    pools: pools(eips),
    taken: taken(...records, ...others),
    findService: () => undefined,
    start: 0,
    ageMs: () => 0,
    wasBound: () => true,
    ...nothingKept,
    ...more,
  })
}

/** The steps as words: `claim 10.0.0.1`, `release 10.0.0.1`, `status 10.0.0.1 Assigned`, `metadata`, `event AssignIP`. */
function words({ steps }: ServicePlan): readonly string[] {
  return steps.map((step) => {
    switch (step.kind) {
      case 'claim': {
        const verb = step.regains ? 'regain' : 'claim'
        for (const drafts of step.candidates) return `${verb} ${drafts.map(({ address }) => formatIp(address)).join()}`
        return `${verb} nothing`
      }
      case 'bind':
      case 'retain':
      case 'release':
        return `${step.kind} ${formatIp(step.record.address)}`
      case 'writeStatus':
        return `status ${step.ingress?.map(formatIp).join() ?? 'as it is'} ${step.conditions[0]?.reason ?? ''}`.trim()
      case 'writeMetadata':
        return 'metadata'
      case 'event':
        return `event ${step.reason}`
    }
  })
}

// A Service as it is once everything was written.
function settled(
  address: string,
  annotations: Record<string, string> = {},
  conditions: readonly unknown[] = [],
): Service {
  const base = service('ns/s', {
    annotations: {
      ...optIn,
      'eip.openelb.kubesphere.io/v1alpha1': address,
      'eip.openelb.kubesphere.io/v1alpha2': 'a',
      'protocol.openelb.kubesphere.io/v1alpha1': 'bgp',
      'bellhop.dev/claim': 'c',
      ...annotations,
    },
    labels: { 'eip.openelb.kubesphere.io/v1alpha2': 'a' },
    ingress: [address],
  })
  const assigned = {
    type: 'bellhop.dev/EipAssigned',
    status: 'True',
    reason: 'Assigned',
    message: `${address} of Eip a`,
  }
  return { ...base, conditions: (conditions.length > 0 ? conditions : [assigned]) as Service['conditions'] }
}

const mine = (address: string, more = {}): Allocation => record(address, 'a', holder('ns/s', 'c', more))

suite('a Service and its record agree', () => {
  test('nothing is done', () => {
    assert.deepEqual(words(plan({ service: settled('10.0.0.1'), records: [mine('10.0.0.1')] })), [])
  })

  test('created by the webhook: one status, one event', () => {
    const fresh = { ...settled('10.0.0.1'), ingress: [], conditions: [] }
    assert.deepEqual(words(plan({ service: fresh, records: [mine('10.0.0.1')] })), [
      'status 10.0.0.1 Assigned',
      'event AssignIP',
    ])
  })

  test('the generated name is put into the record', () => {
    const claimed = record('10.0.0.1', 'a', holder('ns/', 'c', { generateName: 's' }))
    assert.deepEqual(words(plan({ service: settled('10.0.0.1'), records: [claimed] })), ['bind 10.0.0.1'])
  })
})

suite('design §3, how the two can disagree', () => {
  test('row 1: an address in the status without a record is claimed again', () => {
    assert.deepEqual(words(plan({ service: settled('10.0.0.5') })), ['regain 10.0.0.5'])
  })

  test('row 2: the Service is gone, or not ours any more: the record is released', () => {
    assert.deepEqual(words(plan({ service: undefined, records: [mine('10.0.0.1')] })), ['release 10.0.0.1'])
    const optedOut = settled('10.0.0.1', { 'lb.kubesphere.io/v1alpha1': 'no' })
    assert.deepEqual(words(plan({ service: optedOut, records: [mine('10.0.0.1')] })), [
      'status',
      'metadata',
      'release 10.0.0.1',
      'event ReleaseIP',
    ])
  })

  test('row 2: type ClusterIP: label and claim go, the record is released', () => {
    const clusterIp = { ...settled('10.0.0.1'), type: 'ClusterIP', ingress: [] }
    assert.deepEqual(words(plan({ service: clusterIp, records: [mine('10.0.0.1')] })), [
      'metadata',
      'release 10.0.0.1',
      'event ReleaseIP',
    ])
  })

  test('row 3: a Service never seen: Held for 60 s, then released', () => {
    const early = plan({
      service: undefined,
      records: [mine('10.0.0.1')],
      more: { wasBound: () => false, ageMs: () => 20_000 },
    })
    assert.deepEqual(early, { steps: [], recheckAfterMs: 40_000, waits: false })
    const late = plan({
      service: undefined,
      records: [mine('10.0.0.1')],
      more: { wasBound: () => false, ageMs: () => 60_000 },
    })
    assert.deepEqual(words(late), ['release 10.0.0.1'])
  })

  test('row 4: same name, other claim: taken over when it asks for this address, else released', () => {
    const again = service('ns/s', { annotations: { ...optIn, 'eip.openelb.kubesphere.io/v1alpha1': '10.0.0.1' } })
    assert.deepEqual(words(plan({ service: again, records: [mine('10.0.0.1')] })), ['bind 10.0.0.1'])
    const other = service('ns/s', { annotations: { ...optIn, 'eip.openelb.kubesphere.io/v1alpha1': '10.0.0.2' } })
    assert.deepEqual(words(plan({ service: other, records: [mine('10.0.0.1')] })), [
      'release 10.0.0.1',
      'claim 10.0.0.2',
    ])
  })

  test('row 4: one that has an address takes over what its name holds besides, when it asks for that', () => {
    const mover = service('ns/s', {
      annotations: {
        ...optIn,
        'bellhop.dev/claim': 'now',
        'eip.openelb.kubesphere.io/v1alpha1': '10.0.0.2',
        'eip.openelb.kubesphere.io/v1alpha2': 'a',
      },
      ingress: ['10.0.0.1'],
    })
    const records = [record('10.0.0.1', 'a', holder('ns/s', 'now')), record('10.0.0.2', 'a', holder('ns/s', 'failed'))]
    assert.deepEqual(words(plan({ service: mover, records, more: { wasBound: () => false } })), ['bind 10.0.0.2'])
  })

  test('row 5: the address in the status is held by another: assigned elsewhere', () => {
    const lost = service('ns/s', { ingress: ['10.0.0.0'] })
    const others = [record('10.0.0.0', 'a', holder('ns/older'))]
    assert.deepEqual(words(plan({ service: lost, others })), ['claim 10.0.0.1'])
  })

  test('row 6: the Eip is gone or no longer covers the address: kept, and said', () => {
    const gone = plan({ service: settled('10.0.0.1'), records: [mine('10.0.0.1')], eips: [] })
    assert.deepEqual(words(gone), ['status as it is PoolGone'])
    const shrunk = eip('a', { address: '10.0.0.4/30' }, asDefault)
    const outside = plan({ service: settled('10.0.0.1'), records: [mine('10.0.0.1')], eips: [shrunk] })
    assert.deepEqual(words(outside), ['status as it is PoolGone'])
  })

  test('row 7: the status differs from the record: written', () => {
    const wrong = { ...settled('10.0.0.1'), ingress: [] }
    assert.deepEqual(words(plan({ service: wrong, records: [mine('10.0.0.1')] })), [
      'status 10.0.0.1 Assigned',
      'event AssignIP',
    ])
  })

  test('row 9: another address: claimed first; status moved and the old one let go when both are held', () => {
    const wants = settled('10.0.0.1', { 'eip.openelb.kubesphere.io/v1alpha1': '10.0.0.2' })
    assert.deepEqual(words(plan({ service: wants, records: [mine('10.0.0.1')] })), ['claim 10.0.0.2'])
    const both = [
      mine('10.0.0.1'),
      mine('10.0.0.2', { asked: { pool: undefined, address: '10.0.0.2', loadBalancerIP: undefined } }),
    ]
    const moving = words(plan({ service: wants, records: both }))
    assert.deepEqual(
      moving.filter((word) => !word.startsWith('bind')),
      ['status 10.0.0.2 Assigned', 'event AssignIP', 'release 10.0.0.1', 'event ReleaseIP'],
    )
  })

  test('row 9: the new address is not to be had: the old one stays and the condition says why', () => {
    const wants = settled('10.0.0.1', { 'eip.openelb.kubesphere.io/v1alpha1': '9.9.9.9' })
    const kept = plan({ service: wants, records: [mine('10.0.0.1')] })
    assert.deepEqual(words(kept), ['status as it is KeptAddress', 'event AssignIPFailed'])
    assert.equal(kept.waits, true)
  })
})

suite('what is not a request', () => {
  test('a pool that fills up, is disabled or loses the default moves nobody (IPAM-14, IPAM-15 in part)', () => {
    for (const changed of [
      eip('a', { address: '10.0.0.1' }, asDefault),
      eip('a', { address: '10.0.0.0/29', disable: true }, asDefault),
      eip('a', { address: '10.0.0.0/29' }),
    ]) {
      assert.deepEqual(words(plan({ service: settled('10.0.0.1'), records: [mine('10.0.0.1')], eips: [changed] })), [])
    }
  })

  test('a pool annotation edited with our address beside it moves to the new pool (IPAM-27 in part)', () => {
    const b = eip('b', { address: '10.1.0.0/30' })
    const edited = settled('10.0.0.1', { 'eip.openelb.kubesphere.io/v1alpha2': 'b' })
    assert.deepEqual(words(plan({ service: edited, records: [mine('10.0.0.1')], eips: [pool, b] })), ['claim 10.1.0.0'])
  })

  test('loadBalancerIP counts when it changes, not for having been there (IPAM-04, IPAM-27 in part)', () => {
    const asked = { pool: undefined, address: '10.0.0.1', loadBalancerIP: '10.0.0.7' }
    const before = { ...settled('10.0.0.1'), loadBalancerIP: '10.0.0.7' }
    assert.deepEqual(words(plan({ service: before, records: [mine('10.0.0.1', { asked })] })), [])
    const after = { ...before, loadBalancerIP: '10.0.0.6' }
    assert.deepEqual(words(plan({ service: after, records: [mine('10.0.0.1', { asked })] })), ['claim 10.0.0.6'])
  })

  test('following its own plans, a new Service settles and then rests', () => {
    let now = service('ns/s', { annotations: { ...optIn, 'bellhop.dev/claim': 'c' } })
    const index = new TakenIndex()
    for (let round = 0; round < 5; round++) {
      const made = plan({ service: now, records: [...index.ofService('ns/s')] })
      if (made.steps.length === 0) return
      for (const step of made.steps) {
        if (step.kind === 'claim') {
          for (const [draft] of step.candidates) {
            if (draft !== undefined) index.put(record(formatIp(draft.address), draft.eip, step.holder))
            break
          }
        }
        if (step.kind === 'writeStatus')
          now = { ...now, ingress: step.ingress ?? now.ingress, conditions: step.conditions }
        if (step.kind === 'writeMetadata')
          now = { ...settled('10.0.0.0'), ingress: now.ingress, conditions: now.conditions }
      }
    }
    assert.fail('the plan never came to rest')
  })
})
