// The condition Advertised: what the controller says of a Service as speakers, endpoints and Leases come and go.
import assert from 'node:assert/strict'
import { endpointSlices, services } from '../../../src/io/kube/index.ts'
import { putLab, putSpeaker, scenario } from './lab.ts'

const advertised = 'bellhop.dev/Advertised'

scenario('Advertised: True when a speaker has caught up, False when the sessions stay down', async (stage) => {
  putLab(stage)
  await stage.start()
  stage.claimedService('a/web', '192.0.2.1', 'pool')
  stage.endpoints('a/web', 'master')
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  await stage.rest(1_000)
  assert.equal(stage.condition(services, 'a/web', advertised), undefined)
  stage.lease('master')
  await stage.until('it is advertised', () => stage.condition(services, 'a/web', advertised)?.status === 'True')
  // A flap rewrites nothing.
  const writes = stage.writes().filter(({ path }) => path.includes('/services/')).length
  putSpeaker(stage, 'master', 'leaf1', 'IDLE')
  putSpeaker(stage, 'worker2', 'leaf2', 'IDLE')
  await stage.rest(2_000)
  putSpeaker(stage, 'master', 'leaf1', 'ESTABLISHED')
  putSpeaker(stage, 'worker2', 'leaf2', 'ESTABLISHED')
  await stage.rest(6_000)
  assert.equal(stage.writes().filter(({ path }) => path.includes('/services/')).length, writes)
  putSpeaker(stage, 'master', 'leaf1', 'IDLE')
  putSpeaker(stage, 'worker2', 'leaf2', 'IDLE')
  await stage.until('it is not advertised', () => stage.condition(services, 'a/web', advertised)?.status === 'False', {
    maxMs: 10_000,
  })
  assert.equal(stage.condition(services, 'a/web', advertised)?.reason, 'NoSession')
})

scenario('Advertised: endpoints that have not been looked for yet are waited for (part of OPS-02)', async (stage) => {
  putLab(stage)
  await stage.start()
  const verdict = (key: string): string | undefined => stage.condition(services, key, advertised)?.reason
  stage.claimedService('a/late', '192.0.2.1', 'pool', { selector: { app: 'web' } })
  stage.claimedService('a/by-hand', '192.0.2.2', 'pool')
  stage.claimedService('a/nobody', '192.0.2.3', 'pool', { selector: { app: 'web' } })
  await stage.until('ingress', () => ['a/late', 'a/by-hand', 'a/nobody'].every((key) => stage.ingress(key).length > 0))
  const renewed = (seconds: number): Promise<void> => {
    stage.lease('master')
    stage.lease('worker2')
    return stage.rest(seconds * 1_000)
  }
  await renewed(6)
  assert.deepEqual(['a/late', 'a/by-hand', 'a/nobody'].map(verdict), [undefined, 'NoReadyEndpoint', undefined])
  for (let seconds = 6; seconds < 24; seconds += 6) await renewed(6)
  stage.endpoints('a/late', 'master')
  await stage.until('it is advertised', () => verdict('a/late') === 'Advertised')
  const { length } = stage.writes().filter(({ path }) => path.endsWith('/services/late/status'))
  assert.equal(length, 2, 'its address, and the one verdict')
  assert.equal(verdict('a/nobody'), undefined)
  for (let seconds = 24; seconds < 42; seconds += 6) await renewed(6)
  assert.equal(verdict('a/nobody'), 'NoReadyEndpoint')
})

scenario('Advertised: a slice made by hand counts, whatever labels it has, as it does for speakers', async (stage) => {
  putLab(stage)
  await stage.start()
  const verdict = (): string | undefined => stage.condition(services, 'a/by-hand', advertised)?.reason
  const ofSlices = () => stage.api.requestsFor(endpointSlices, 'list').filter(({ query }) => byHand(query))
  const byHand = ({ labelSelector = '' }: Readonly<Record<string, string>>): boolean => labelSelector.includes('!=')
  assert.equal(ofSlices().length, 0, 'nothing is watched for Services that there are none of')
  const metadata = { namespace: 'a', name: 'by-hand-1', labels: { 'kubernetes.io/service-name': 'by-hand' } }
  const endpoints = [{ addresses: ['10.0.0.1'], nodeName: 'master', conditions: { ready: true } }]
  stage.api.put(endpointSlices, { metadata, addressType: 'IPv4', endpoints })
  stage.claimedService('a/by-hand', '192.0.2.2', 'pool')
  stage.claimedService('a/another', '192.0.2.3', 'pool')
  await stage.until('ingress', () => stage.ingress('a/by-hand').length > 0)
  stage.lease('master')
  await stage.until('it is advertised', () => verdict() === 'Advertised')
  assert.equal(ofSlices().length, 1)
  stage.api.put(endpointSlices, { metadata, addressType: 'IPv4', endpoints: [] })
  await stage.until('it is advertised no more', () => verdict() === 'NoReadyEndpoint', { maxMs: 10_000 })
  stage.api.put(endpointSlices, { metadata, addressType: 'IPv4', endpoints })
  await stage.until('it is advertised again', () => verdict() === 'Advertised')
  stage.api.remove(services, 'a/by-hand')
  stage.api.remove(services, 'a/another')
  await stage.until('nothing is watched for them', () => !stage.api.watches.some(({ seen }) => byHand(seen.query)))
})

scenario('Advertised: slices that cannot be listed are no verdict', async (stage) => {
  putLab(stage)
  await stage.start()
  const isOfSlices = ({ path }: { path: string }): boolean => path.endsWith('/endpointslices')
  const fault = stage.api.inject(isOfSlices, { status: 503 }, Infinity)
  stage.claimedService('a/by-hand', '192.0.2.2', 'pool')
  await stage.until('ingress', () => stage.ingress('a/by-hand').length > 0)
  stage.lease('master')
  await stage.rest(10_000)
  assert.equal(stage.condition(services, 'a/by-hand', advertised), undefined)
  fault.remove()
  for (let seconds = 0; seconds < 30; seconds += 10) {
    stage.lease('master')
    await stage.rest(10_000)
  }
  assert.equal(stage.condition(services, 'a/by-hand', advertised)?.reason, 'NoReadyEndpoint')
})
