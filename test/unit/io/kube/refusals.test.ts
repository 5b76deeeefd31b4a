import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Answer } from '../../../../src/io/kube/index.ts'
import { kindIn, openRefusals } from '../../../../src/io/kube/refusals.ts'
import { silentLog } from '../../../../src/io/telemetry/log.ts'
import { manualClock } from '../process/manual-clock.ts'

const forbidden: Answer<unknown> = {
  ok: false,
  error: { code: 'Forbidden', message: 'cannot patch resource "racks/status"' },
}

void test('what the API server forbids is said once a minute for each method and kind', async () => {
  const said: string[] = []
  const clock = manualClock()
  const refusals = openRefusals(clock, {
    ...silentLog,
    warn: (_message, fields) => said.push(String(fields?.['request'])),
  })
  const racks = '/apis/network.kubesphere.io/v1alpha2/racks'
  for (const name of ['leaf1', 'leaf2']) refusals.note('PATCH', `${racks}/${name}/status`, forbidden)
  refusals.note('POST', racks, forbidden)
  refusals.note('GET', racks, { ok: true, value: {} })
  refusals.note('DELETE', `${racks}/leaf1`, { ok: false, error: { code: 'NotFound', message: '' } })
  assert.deepEqual(said, ['PATCH racks/status', 'POST racks'])
  await clock.advance(60_000)
  refusals.note('PATCH', `${racks}/leaf1/status`, forbidden)
  assert.equal(said.length, 3)
})

void test('the kind of object in a path', () => {
  for (const [path, kind] of [
    ['/api/v1/nodes', 'nodes'],
    ['/api/v1/nodes/worker1/status', 'nodes/status'],
    ['/api/v1/namespaces/default', 'namespaces'],
    ['/api/v1/namespaces/default/services?limit=500', 'services'],
    ['/api/v1/namespaces/default/services/echo/status?a=b', 'services/status'],
    ['/apis/coordination.k8s.io/v1/namespaces/bellhop-system/leases/speaker-x', 'leases'],
  ] as const) {
    assert.equal(kindIn(path), kind)
  }
})
