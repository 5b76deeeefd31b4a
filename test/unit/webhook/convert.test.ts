import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversionReview } from '../../../src/core/api/index.ts'
import { answerConversion } from '../../../webhook/convert.ts'

void test('a ConversionReview is answered with 200, converted or failed, and counted', async () => {
  const counted: unknown[] = []
  const metrics = {
    admissionDecisions: { add: (labels: unknown) => void counted.push(labels), remove: () => {}, replaceAll: () => {} },
    admissionDuration: { observe: () => {}, remove: () => {} },
  }
  const answer = async (body: unknown): Promise<ConversionReview['response']> => {
    const { status, ...rest } = await answerConversion(metrics, body, performance.now())
    assert.equal(status, 200)
    return (rest as { body: ConversionReview }).body.response
  }
  const spec = { as: 65000, routerID: '192.0.2.1', port: 179 }
  const conf = { apiVersion: 'network.kubesphere.io/v1alpha1', kind: 'BgpConf', metadata: { name: 'default' }, spec }
  const request = { uid: 'u1', desiredAPIVersion: 'network.kubesphere.io/v1alpha2', objects: [conf] }
  const review = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', request }
  const converted = await answer(review)
  assert.equal(converted.uid, 'u1')
  assert.deepEqual(converted.convertedObjects?.[0]?.['spec'], { as: 65000, routerId: '192.0.2.1', listenPort: 179 })
  const failed = await answer({ ...review, request: { ...request, desiredAPIVersion: 'v3' } })
  assert.equal(failed.result.status, 'Failure')
  assert.deepEqual(
    counted.map((labels) => (labels as { decision: string }).decision),
    ['converted', 'refused'],
  )
})
