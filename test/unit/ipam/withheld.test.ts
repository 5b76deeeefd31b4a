import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { formatIp } from '../../../src/core/address/index.ts'
import { type PlanInput, type ServicePlan, planService, withheldMs } from '../../../src/core/ipam/index.ts'
import type { Allocation, Eip, Service } from '../../../src/core/model/index.ts'
import { eip, holder, nothingKept, optIn, pools, record, service, taken } from './world.ts'

const pool = eip('a', { address: '10.0.0.0/29' })
const poolKey = 'eip.openelb.kubesphere.io/v1alpha2'
const addressKey = 'eip.openelb.kubesphere.io/v1alpha1'

interface Given {
  readonly service: Service | undefined
  readonly records: readonly Allocation[]
  readonly eips?: readonly Eip[]
  readonly more?: Partial<PlanInput>
}

function plan({ service: given, records, eips = [], more = {} }: Given): ServicePlan {
  return planService({
    ...{ key: 'ns/s', service: given, records, pools: pools(eips), taken: taken(...records), start: 0 },
    ...{ findService: () => undefined, ageMs: () => 0, wasBound: () => true },
    ...nothingKept,
    ...more,
  })
}

function words({ steps }: ServicePlan): readonly string[] {
  return steps.map((step) => {
    switch (step.kind) {
      case 'claim':
        for (const drafts of step.candidates) return `claim ${drafts.map(({ address }) => formatIp(address)).join()}`
        return 'claim nothing'
      case 'bind':
        return `bind ${formatIp(step.record.address)} ${step.home?.name ?? ''}`.trim()
      case 'retain':
      case 'release':
        return `${step.kind} ${formatIp(step.record.address)}`
      case 'writeStatus':
        return `status ${step.ingress?.map(formatIp).join() ?? 'as it is'} ${step.conditions[0]?.reason ?? ''}`
      case 'writeMetadata':
        return `metadata ${step.patch.map(({ op, path }) => `${op} ${path.split('~1').at(-1) ?? ''}`).join()}`
      case 'event':
        return `event ${step.reason}`
    }
  })
}

function assigned(annotations: Record<string, string> = {}, ingress = ['10.0.0.1']): Service {
  return service('ns/s', {
    annotations: { ...optIn, [addressKey]: '10.0.0.1', [poolKey]: 'a', 'bellhop.dev/claim': 'c', ...annotations },
    labels: { [poolKey]: 'a' },
    ingress,
  })
}

const mine = record('10.0.0.1', 'a', holder('ns/s', 'c'))
const marked: Allocation = { ...mine, retainedUntil: '2026-01-02T00:00:00Z' }
const forced = { forceDeleted: (name: string) => name === 'a' }

suite('design §3 row 6: an Eip that was force-deleted', () => {
  test('the record is marked first, then the address leaves the status, with the reason', () => {
    const made = plan({ service: assigned(), records: [mine], more: forced })
    assert.deepEqual(words(made), ['retain 10.0.0.1', 'status  PoolForceDeleted', 'event PoolForceDeleted'])
    assert.equal(made.steps[0]?.kind === 'retain' && made.steps[0].forMs, withheldMs)
    assert.equal(made.waits, true)
  })

  test('one that went without the annotation: kept and announced', () => {
    assert.deepEqual(words(plan({ service: assigned(), records: [mine] })), [
      'metadata add v1alpha1',
      'status as it is PoolGone',
    ])
  })

  test('a leader that did not see it go by goes by the mark', () => {
    assert.deepEqual(words(plan({ service: assigned(), records: [marked] })), [
      'status  PoolForceDeleted',
      'event PoolForceDeleted',
    ])
  })

  test('what was said and done is not done again', () => {
    const [, written] = plan({ service: assigned(), records: [mine], more: forced }).steps
    assert.equal(written?.kind, 'writeStatus')
    const said = { ...assigned({}, []), conditions: written?.kind === 'writeStatus' ? written.conditions : [] }
    const made = plan({ service: said, records: [marked], more: { keptForMs: () => 5_000 } })
    assert.deepEqual(made, { steps: [], recheckAfterMs: 5_000, waits: true })
  })

  test('the Eip is made again: the same address comes back, the mark goes', () => {
    const back = words(plan({ service: assigned({}, []), records: [marked], eips: [pool] }))
    assert.deepEqual(back, ['bind 10.0.0.1', 'metadata add v1alpha1', 'status 10.0.0.1 Assigned', 'event AssignIP'])
  })

  test('made again without the address: not given back', () => {
    const other = eip('a', { address: '10.9.0.0/29' })
    assert.deepEqual(words(plan({ service: assigned({}, []), records: [marked], eips: [other] })), [
      'status as it is PoolForceDeleted',
      'event PoolForceDeleted',
    ])
  })

  test('made again under another name: the record moves to that Eip, unless it may not serve the Service', () => {
    const other = eip('b', { address: '10.0.0.0/24' })
    assert.equal(words(plan({ service: assigned({}, []), records: [marked], eips: [other] }))[0], 'bind 10.0.0.1 b')
    const bound = eip('b', { address: '10.0.0.0/24', namespaces: ['elsewhere'] })
    assert.equal(
      words(plan({ service: assigned({}, []), records: [marked], eips: [bound] }))[0],
      'status as it is PoolForceDeleted',
    )
  })

  test('asking for something else meanwhile: had, and the record is let go', () => {
    const b = eip('b', { address: '10.1.0.0/29' })
    const asks = assigned({ [poolKey]: 'b' }, [])
    assert.deepEqual(words(plan({ service: asks, records: [marked], eips: [b] })), ['claim 10.1.0.0'])
    const got = record('10.1.0.0', 'b', holder('ns/s', 'c'))
    const made = words(plan({ service: asks, records: [marked, got], eips: [b] }))
    assert.ok(made.includes('status 10.1.0.0 Assigned') && made.includes('release 10.0.0.1'), made.join())
  })

  test('asking for another address alone: the pool that was written with the old one is no request', () => {
    const b = eip('b', { address: '10.1.0.0/29' })
    const asks = assigned({ [addressKey]: '10.1.0.3' }, [])
    const got = record('10.1.0.3', 'b', holder('ns/s', 'c'))
    const made = words(plan({ service: asks, records: [marked, got], eips: [b] }))
    assert.ok(made.includes('status 10.1.0.3 Assigned') && made.includes('release 10.0.0.1'), made.join())
  })

  test('of two families the one that is left stays, or comes into the status', () => {
    const six = eip('six', { address: 'fd00::/64' })
    const both = { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' }
    const left = record('fd00::1', 'six', holder('ns/s', 'c'))
    for (const ingress of [['10.0.0.1', 'fd00::1'], []]) {
      const { annotations, labels } = assigned({ [addressKey]: '10.0.0.1,fd00::1', [poolKey]: 'a,six' })
      const dual = service('ns/s', { annotations, labels, ingress, spec: both })
      const made = words(plan({ service: dual, records: [marked, left], eips: [six] }))
      assert.deepEqual(made, ['status fd00::1 KeptAddress', 'event PoolForceDeleted'])
    }
  })

  test('asking for what is not to be had: the withdrawn address is not kept in the status for it', () => {
    const made = words(plan({ service: assigned({ [poolKey]: 'missing' }), records: [mine], more: forced }))
    assert.deepEqual(made, ['retain 10.0.0.1', 'status  UnknownPool', 'event AssignIPFailed'])
  })

  test('after a day the Service is as its user wrote it, and chooses anew', () => {
    const over = { keptForMs: () => 0 }
    const made = plan({ service: assigned({}, []), records: [marked], more: over })
    assert.deepEqual(words(made), [
      'metadata remove v1alpha2,remove v1alpha1,remove claim,remove v1alpha2',
      'release 10.0.0.1',
    ])
    const asked = { pool: 'a', address: undefined, loadBalancerIP: undefined }
    const named = { ...marked, holders: [holder('ns/s', 'c', { asked })] }
    assert.deepEqual(words(plan({ service: assigned({}, []), records: [named], more: over })), [
      'metadata remove v1alpha1,remove claim,remove v1alpha2',
      'release 10.0.0.1',
    ])
  })

  test('its Service is deleted: nothing is kept', () => {
    assert.deepEqual(words(plan({ service: undefined, records: [marked] })), ['release 10.0.0.1'])
  })
})

suite('a Service that is being deleted and hangs on a finalizer of somebody else', () => {
  test('its address leaves the status before the record is let go', () => {
    const deleting = { ...assigned(), deleting: true }
    assert.deepEqual(words(plan({ service: deleting, records: [mine], eips: [pool] })), [
      'status  ',
      'release 10.0.0.1',
    ])
    const cleared = { ...deleting, ingress: [] }
    assert.deepEqual(words(plan({ service: cleared, records: [mine], eips: [pool] })), ['release 10.0.0.1'])
  })

  test('an address that another provider wrote stays', () => {
    const foreign = { ...assigned({}, ['203.0.113.9']), deleting: true }
    assert.deepEqual(words(plan({ service: foreign, records: [mine], eips: [pool] })), ['release 10.0.0.1'])
  })
})

suite('a claim of the name that no Service was seen with', () => {
  const other = record('10.0.0.2', 'a', holder('ns/s', 'later'))
  const seen = { wasBound: (_name: string, claim: string) => claim === 'c', ageMs: () => 20_000 }

  test('is Held while the Service before it goes: its create is on its way', () => {
    const made = plan({ service: undefined, records: [mine, other], more: seen })
    assert.deepEqual(words(made), ['release 10.0.0.1'])
    assert.equal(made.recheckAfterMs, 40_000)
  })

  test('is Held while the Service before it is still there, and given up after its time', () => {
    const made = plan({ service: assigned(), records: [mine, other], eips: [pool], more: seen })
    assert.ok(!words(made).includes('release 10.0.0.2'))
    assert.equal(made.recheckAfterMs, 40_000)
    const late = { ...seen, ageMs: () => 60_000 }
    const after = plan({ service: assigned(), records: [mine, other], eips: [pool], more: late })
    assert.ok(words(after).includes('release 10.0.0.2'))
  })
})
