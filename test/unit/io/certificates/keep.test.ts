import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CertificatesAbout,
  applyStep,
  backdateMs,
  ensureCertificates,
  keepCertificates,
  readBundle,
  readMaterial,
  secretRef,
} from '../../../../src/io/certificates/index.ts'
import type { KubeObject } from '../../../../src/io/kube/interface.ts'
import { mutatingWebhookConfigurations, secrets } from '../../../../src/io/kube/resources.ts'
import { type Clock, systemClock } from '../../../../src/io/process/clock.ts'
import { silentLog } from '../../../../src/io/telemetry/log.ts'
import { type FakeCluster, openFakeCluster } from '../../webhook/fake-cluster.ts'
import { waitUntil } from '../../webhook/wait-until.ts'

const about: CertificatesAbout = {
  service: { namespace: 'bellhop-system', name: 'bellhop-webhook' },
  secretName: 'bellhop-webhook-tls',
  configurationName: 'bellhop',
}
const dayMs = 24 * 60 * 60 * 1000
const startMs = Date.UTC(2026, 10, 21)

function ensure(cluster: FakeCluster, atMs = startMs, options = {}): ReturnType<typeof ensureCertificates> {
  return ensureCertificates(cluster.client, about, { wallMs: () => atMs, log: silentLog, ...options })
}

async function ensured(
  cluster: FakeCluster,
  atMs = startMs,
  options = {},
): Promise<Extract<Awaited<ReturnType<typeof ensure>>, { ok: true }>['value']> {
  const answer = await ensure(cluster, atMs, options)
  assert.ok(answer.ok, answer.ok ? '' : answer.error.message)
  return answer.value
}

void test('the first to come issues: ten years, 90 days, the names of the Service', async () => {
  const cluster = openFakeCluster()
  const { state, material } = await ensured(cluster)
  const [authority] = state.authorities
  assert.equal(authority.isAuthority, true)
  assert.ok(authority.expiresMs - startMs >= 3650 * dayMs)
  assert.equal(state.leaf.expiresMs, startMs + 90 * dayMs)
  assert.ok(state.leaf.dnsNames.includes('bellhop-webhook.bellhop-system.svc'))
  assert.equal(state.leaf.isAuthority, false)
  assert.equal(backdateMs > 0 && state.leaf.issuedMs, startMs)
  assert.deepEqual((await readMaterial(material))?.leaf.fingerprint, state.leaf.fingerprint)
})

void test('four replicas starting at once serve the same certificate', async () => {
  const cluster = openFakeCluster()
  const all = await Promise.all([0, 1, 2, 3].map(() => ensured(cluster)))
  assert.equal(new Set(all.map(({ state }) => state.leaf.fingerprint)).size, 1)
  assert.equal(cluster.objects(secrets).length, 1)
})

void test('replicas renewing at once write once each step, and the authority stays', async () => {
  const cluster = openFakeCluster()
  const before = await ensured(cluster)
  const all = await Promise.all([0, 1].map(() => ensured(cluster, startMs + 60 * dayMs)))
  assert.equal(new Set(all.map(({ state }) => state.leaf.fingerprint)).size, 1)
  assert.notEqual(all[0]?.state.leaf.fingerprint, before.state.leaf.fingerprint)
  assert.equal(all[0]?.material.authoritiesPem, before.material.authoritiesPem)
})

void test('a damaged Secret is issued anew; while served, what is served comes back', async () => {
  const cluster = openFakeCluster()
  const { material } = await ensured(cluster)
  const ref = secretRef('bellhop-system', 'bellhop-webhook-tls')
  const damage = (): Promise<unknown> =>
    cluster.client.patch(ref, { type: 'merge', body: { data: { 'tls.key': 'AAAA' } } })
  await damage()
  const restored = await ensured(cluster, startMs, { served: material })
  assert.equal(restored.material.leaf.certificatePem, material.leaf.certificatePem)
  await damage()
  assert.notEqual((await ensured(cluster)).material.leaf.certificatePem, material.leaf.certificatePem)
})

void test('an authority is replaced with overlap: both trusted, then the new leaf, then the old one dropped', async () => {
  const cluster = openFakeCluster()
  const first = await ensured(cluster)
  const why = 'asked for'
  const rotated = await ensured(cluster, startMs + dayMs, { first: { kind: 'addAuthority', why } })
  assert.equal(rotated.state.authorities.length, 2)
  assert.equal(rotated.state.leaf.fingerprint, first.state.leaf.fingerprint)
  const switched = await ensured(cluster, startMs + dayMs + 5 * 60 * 1000)
  assert.equal(switched.state.signer.fingerprint, rotated.state.authorities[0].fingerprint)
  assert.equal(switched.state.authorities.length, 2)
  const dropped = await ensured(cluster, startMs + 3 * dayMs)
  assert.equal(dropped.state.authorities.length, 1)
  assert.equal(dropped.state.leaf.fingerprint, switched.state.leaf.fingerprint)
})

void test('a lost answer to the first write is found again, not issued twice', async () => {
  const cluster = openFakeCluster()
  let lost = false
  cluster.before = ({ verb }) => {
    if (verb !== 'create' || lost) return undefined
    lost = true
    return { kind: 'loseAnswer', error: { code: 'Timeout', message: 'no answer' } }
  }
  assert.equal((await ensure(cluster)).ok, false)
  const first = await ensured(cluster)
  assert.equal((await ensured(cluster)).state.leaf.fingerprint, first.state.leaf.fingerprint)
})

void test('readBundle refuses what is no PEM', async () => {
  assert.equal(await readBundle('not a certificate'), undefined)
  assert.equal(await readBundle(''), undefined)
})

void test('steps on nothing issue', async () => {
  const material = await applyStep({ kind: 'renewLeaf', why: '' }, undefined, ['a.b.svc'], startMs)
  assert.deepEqual((await readMaterial(material))?.leaf.dnsNames, ['a.b.svc'])
})

function configuration(): KubeObject {
  const webhook = (name: string, service: string): unknown => ({
    name,
    clientConfig: { service: { name: service, namespace: 'bellhop-system', path: '/x' } },
  })
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'bellhop' },
    webhooks: [webhook('foreign.example', 'other'), webhook('service.bellhop.dev', 'bellhop-webhook')],
  }
}

function bundlesOf(cluster: FakeCluster): (string | undefined)[] {
  const object = cluster.object(mutatingWebhookConfigurations, 'bellhop')
  const webhooks = (object?.['webhooks'] ?? []) as { clientConfig: { caBundle?: string } }[]
  return webhooks.map(({ clientConfig }) => clientConfig.caBundle)
}

void test('the keeper waits for the API server, writes our caBundle only, and again when it was wiped', async (t) => {
  const cluster = openFakeCluster()
  let away = true
  cluster.before = () =>
    away ? { kind: 'refuse', error: { code: 'Unreachable', message: 'connection refused' } } : undefined
  cluster.put(mutatingWebhookConfigurations, configuration())
  const clock: Clock = { ...systemClock, wallMs: () => startMs }
  const seen: string[] = []
  const keeper = keepCertificates({
    client: cluster.client,
    about,
    clock,
    log: silentLog,
    lookEveryMs: 5,
    retryMs: 5,
    onChange: ({ state }) => void seen.push(state.leaf.fingerprint),
  })
  t.after(() => keeper.stop())
  await waitUntil('the keeper to have tried three times', () => cluster.calls.length >= 3)
  assert.deepEqual(seen, [])
  away = false
  const { material } = await keeper.ready
  const wanted = Buffer.from(material.authoritiesPem).toString('base64')
  await waitUntil('our webhook to have the caBundle', () => bundlesOf(cluster)[1] === wanted)
  assert.equal(bundlesOf(cluster)[0], undefined)
  cluster.put(mutatingWebhookConfigurations, configuration())
  await waitUntil('the wiped caBundle to be back', () => bundlesOf(cluster)[1] === wanted)
  assert.equal(seen.length, 1)
})
