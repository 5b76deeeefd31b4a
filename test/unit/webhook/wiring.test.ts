// The whole program against a cluster in memory: what it serves, when it is ready, how it ends.
import assert from 'node:assert/strict'
import { Agent, request } from 'node:https'
import { type TestContext, test } from 'node:test'
import { stringAt } from '../../../src/core/model/field.ts'
import { secrets } from '../../../src/io/kube/resources.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { readConfig } from '../../../webhook/config.ts'
import { type Webhook, openWebhook } from '../../../webhook/wiring.ts'
import { type FakeCluster, openFakeCluster } from './fake-cluster.ts'
import { serviceObject } from './replica.ts'
import { waitUntil } from './wait-until.ts'

async function open(t: TestContext, cluster: FakeCluster): Promise<Webhook> {
  const argv = ['node', 'webhook', '--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0']
  const webhook = await openWebhook({
    config: readConfig(argv),
    client: cluster.client,
    clock: systemClock,
    log: silentLog,
    random: Math.random,
    newNonce: () => 'nonce',
    version: '0',
  })
  t.after(() => webhook.close({ lameDuckMs: 0, drainMs: 100 }))
  return webhook
}

async function readiness({ ports }: Webhook): Promise<readonly [number, string]> {
  const response = await fetch(`http://127.0.0.1:${ports.health}/readyz`)
  return [response.status, (await response.text()).trim()]
}

/** The answer to a review of a Service being created, and what became of the connection. */
function review({ ports }: Webhook, cluster: FakeCluster, agent: Agent): Promise<{ uid?: string; connection: string }> {
  const data = stringAt(cluster.objects(secrets)[0], 'data', 'ca.crt') ?? ''
  const body = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u', operation: 'CREATE', namespace: 'shop', object: serviceObject('web') },
  }
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port: ports.admission,
        path: '/mutate-service',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        servername: 'bellhop-webhook.bellhop-system.svc',
        ca: Buffer.from(data, 'base64'),
        agent,
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () => {
          const uid = stringAt(JSON.parse(text), 'response', 'uid') ?? ''
          resolve({ uid, connection: String(response.headers.connection) })
        })
      },
    )
    call.on('error', reject).end(JSON.stringify(body))
  })
}

void test('not ready without a certificate, ready with one, and reviews are answered over it', async (t) => {
  const cluster = openFakeCluster()
  let away = true
  cluster.before = ({ plural }) =>
    away && plural === 'secrets' ? { kind: 'refuse', error: { code: 'Server', message: 'etcd' } } : undefined
  const webhook = await open(t, cluster)
  await waitUntil('everything to be listed', () => webhook.ready() === 'there is no certificate yet')
  assert.deepEqual(await readiness(webhook), [503, 'there is no certificate yet'])
  away = false
  await webhook.serving
  assert.deepEqual(await readiness(webhook), [200, 'ok'])
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  assert.deepEqual(await review(webhook, cluster, agent), { uid: 'u', connection: 'keep-alive' })
})

void test('ending: not ready at once, still answering while callers are sent away, then nothing is taken', async (t) => {
  const cluster = openFakeCluster()
  const webhook = await open(t, cluster)
  await webhook.serving
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  assert.equal((await review(webhook, cluster, agent)).connection, 'keep-alive')
  const ended = webhook.close({ lameDuckMs: 400, drainMs: 1_000 })
  assert.deepEqual(await readiness(webhook), [503, 'shutting down'])
  assert.deepEqual(await review(webhook, cluster, agent), { uid: 'u', connection: 'close' })
  await ended
  await assert.rejects(review(webhook, cluster, new Agent()), { code: 'ECONNREFUSED' })
  await assert.rejects(readiness(webhook), /fetch failed/)
})
