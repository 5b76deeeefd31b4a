import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  type CertificateKeeper,
  type Certificates,
  type CertificatesAbout,
  bundleHolders,
  ensureCertificates,
  keepCertificates,
  secretRef,
  settleMs,
} from '../../../../src/io/certificates/index.ts'
import type { KubeClient, KubeObject, Resource, WatchEvent } from '../../../../src/io/kube/interface.ts'
import {
  customResourceDefinitions,
  mutatingWebhookConfigurations,
  secrets,
  validatingWebhookConfigurations,
} from '../../../../src/io/kube/resources.ts'
import { type Clock, systemClock } from '../../../../src/io/process/clock.ts'
import { silentLog } from '../../../../src/io/telemetry/log.ts'
import { type FakeCluster, openFakeCluster } from '../../webhook/fake-cluster.ts'
import { waitUntil as waitUntilWithin } from '../../webhook/wait-until.ts'

const about: CertificatesAbout = {
  service: { namespace: 'bellhop-system', name: 'bellhop-webhook' },
  secretName: 'bellhop-webhook-tls',
  configurationName: 'bellhop',
}
const service = { name: 'bellhop-webhook', namespace: 'bellhop-system', path: '/x' }
const startMs = Date.UTC(2026, 10, 21)
const crd = 'eips.network.kubesphere.io'

// Keys are made and many timers run: slow where others are at work too.
const waitUntil = (what: string, condition: () => boolean): Promise<void> => waitUntilWithin(what, condition, 30_000)

/** A cluster whose watches tell of every write, and of what `touch` says was written. */
function openWatched(): { cluster: FakeCluster; client: KubeClient; touch: (plural: string, name: string) => void } {
  const cluster = openFakeCluster()
  const watches = new Set<{ readonly plural: string; readonly fieldSelector: string; tell: (e: WatchEvent) => void }>()
  let version = 1000
  const touch = (plural: string, name: string): void => {
    for (const watch of watches) {
      if (watch.plural !== plural || watch.fieldSelector !== `metadata.name=${name}`) continue
      const metadata = { name, resourceVersion: String(++version) }
      watch.tell({ type: 'MODIFIED', object: { apiVersion: 'v1', kind: 'X', metadata } })
    }
  }
  const client: KubeClient = {
    ...cluster.client,
    watch(resource: Resource, { fieldSelector = '' }, onEvent) {
      const { promise: ended, resolve } = Promise.withResolvers<{ ok: true; value: undefined }>()
      const watch = { plural: resource.plural, fieldSelector, tell: onEvent }
      watches.add(watch)
      return {
        ended,
        stop() {
          watches.delete(watch)
          resolve({ ok: true, value: undefined })
        },
      }
    },
    async create(resource, object, options) {
      const answer = await cluster.client.create(resource, object, options)
      touch(resource.plural, object.metadata.name ?? '')
      return answer
    },
    async patch(ref, options) {
      const answer = await cluster.client.patch(ref, options)
      if (answer.ok) touch(ref.resource.plural, ref.name)
      return answer
    },
  }
  return { cluster, client, touch }
}

function configuration(kind = 'MutatingWebhookConfiguration', caBundle?: string): KubeObject {
  const webhook = (name: string, to: string): unknown => ({
    name,
    clientConfig: { service: { ...service, name: to }, ...(caBundle === undefined ? {} : { caBundle }) },
  })
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name: 'bellhop' },
    webhooks: [webhook('foreign.example', 'other'), webhook('service.bellhop.dev', 'bellhop-webhook')],
  }
}

function definition(strategy: 'Webhook' | 'None'): KubeObject {
  const conversion = strategy === 'None' ? { strategy } : { strategy, webhook: { clientConfig: { service } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: crd },
    spec: { conversion },
  }
}

function bundlesOf(cluster: FakeCluster, resource = mutatingWebhookConfigurations): (string | undefined)[] {
  const webhooks = (cluster.object(resource, 'bellhop')?.['webhooks'] ?? []) as {
    clientConfig: { caBundle?: string }
  }[]
  return webhooks.map(({ clientConfig }) => clientConfig.caBundle)
}

function conversionBundle(cluster: FakeCluster): string | undefined {
  const spec = cluster.object(customResourceDefinitions, crd)?.['spec'] as {
    conversion: { webhook?: { clientConfig: { caBundle?: string } } }
  }
  return spec.conversion.webhook?.clientConfig.caBundle
}

const base64 = (pem: string): string => Buffer.from(pem).toString('base64')

/** Its timers and monotonic clock run `speed` times as fast. */
function fastClock(speed: number): Clock {
  return {
    wallMs: () => startMs,
    nowMs: () => performance.now() * speed,
    after: (delayMs, fire) => systemClock.after(delayMs / speed, fire),
  }
}

interface Replica {
  readonly keeper: CertificateKeeper
  readonly served: Certificates[]
}

function openKeeper(t: TestContext, client: KubeClient, onServe = (_served: Certificates): void => {}): Replica {
  const served: Certificates[] = []
  const keeper = keepCertificates({
    client,
    about,
    clock: fastClock(20),
    log: silentLog,
    random: () => 0.5,
    lookEveryMs: 3_600_000,
    retryMs: 100,
    onChange: (certificates) => {
      served.push(certificates)
      onServe(certificates)
    },
  })
  t.after(() => keeper.stop())
  return { keeper, served }
}

void test('the keeper waits for the API server, then writes our caBundle only, everywhere', async (t) => {
  const { cluster, client } = openWatched()
  let away = true
  cluster.before = () =>
    away ? { kind: 'refuse', error: { code: 'Unreachable', message: 'connection refused' } } : undefined
  cluster.put(mutatingWebhookConfigurations, configuration())
  cluster.put(validatingWebhookConfigurations, configuration('ValidatingWebhookConfiguration'))
  cluster.put(customResourceDefinitions, definition('Webhook'))
  const { keeper, served } = openKeeper(t, client)
  await waitUntil('three tries', () => cluster.calls.filter(({ verb }) => verb === 'get').length >= 3)
  assert.deepEqual(served, [])
  away = false
  const { material } = await keeper.ready
  const wanted = base64(material.authoritiesPem)
  await waitUntil('the bundles', () => conversionBundle(cluster) === wanted && bundlesOf(cluster)[1] === wanted)
  assert.deepEqual(bundlesOf(cluster), [undefined, wanted])
  assert.deepEqual(bundlesOf(cluster, validatingWebhookConfigurations), [undefined, wanted])
  assert.equal(served.length, 1)
})

void test("somebody else's edit of a bundle is put right when it is seen, not at the next slow look", async (t) => {
  const { cluster, client, touch } = openWatched()
  cluster.put(mutatingWebhookConfigurations, configuration())
  cluster.put(customResourceDefinitions, definition('None'))
  const { keeper, served } = openKeeper(t, client)
  const wanted = base64((await keeper.ready).material.authoritiesPem)
  assert.equal(conversionBundle(cluster), undefined)
  for (const edit of [undefined, base64('another')]) {
    cluster.put(mutatingWebhookConfigurations, configuration('MutatingWebhookConfiguration', edit))
    touch('mutatingwebhookconfigurations', 'bellhop')
    await waitUntil('the edit to be undone', () => bundlesOf(cluster)[1] === wanted)
    assert.equal(bundlesOf(cluster)[0], edit, 'that of others is theirs')
  }
  cluster.put(customResourceDefinitions, definition('Webhook'))
  touch('customresourcedefinitions', crd)
  await waitUntil('the conversion bundle', () => conversionBundle(cluster) === wanted)
  assert.equal(served.length, 1)
})

void test('somebody who undoes every write is answered less and less often', async (t) => {
  const { cluster, client, touch } = openWatched()
  cluster.put(mutatingWebhookConfigurations, configuration())
  const { keeper } = openKeeper(t, client)
  await keeper.ready
  let written = 0
  cluster.before = ({ verb, plural }) => {
    if (verb !== 'patch' || plural !== 'mutatingwebhookconfigurations') return undefined
    written++
    setImmediate(() => {
      cluster.put(mutatingWebhookConfigurations, configuration())
      touch(plural, 'bellhop')
    })
    return undefined
  }
  cluster.put(mutatingWebhookConfigurations, configuration())
  touch('mutatingwebhookconfigurations', 'bellhop')
  await waitUntil('some fights', () => written >= 5)
  const before = written
  // 2 s of the keeper's time: without slowing down some 40 more.
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.ok(written - before <= 3, `${written - before} more`)
})

void test('a Secret that is deleted or damaged comes back as it was served', async (t) => {
  const { cluster, client, touch } = openWatched()
  const { keeper, served } = openKeeper(t, client)
  const { material } = await keeper.ready
  const ref = secretRef('bellhop-system', 'bellhop-webhook-tls')
  const stored = (): unknown =>
    (cluster.object(secrets, ref.name, ref.namespace)?.['data'] as { 'tls.key': string })?.['tls.key']
  await cluster.client.delete(ref)
  touch('secrets', ref.name)
  await waitUntil('the Secret to be back', () => stored() === base64(material.leaf.keyPem))
  await client.patch(ref, { type: 'merge', body: { data: { 'tls.key': 'AAAA' } } })
  await waitUntil('the key to be back', () => stored() === base64(material.leaf.keyPem))
  assert.equal(served.length, 1)
})

void test('a replaced authority: at no moment does a replica serve a leaf that the bundles do not cover', async (t) => {
  const { cluster, client } = openWatched()
  cluster.put(mutatingWebhookConfigurations, configuration())
  cluster.put(validatingWebhookConfigurations, configuration('ValidatingWebhookConfiguration'))
  cluster.put(customResourceDefinitions, definition('Webhook'))
  const serving = new Map<number, Certificates>()
  const uncovered: string[] = []
  const check = (when: string): void => {
    const bundles = [
      bundlesOf(cluster)[1],
      bundlesOf(cluster, validatingWebhookConfigurations)[1],
      conversionBundle(cluster),
    ].map((bundle) => Buffer.from(bundle ?? '', 'base64').toString())
    for (const [replica, { state }] of serving)
      for (const [index, bundle] of bundles.entries())
        if (!bundle.includes(state.signer.pem)) uncovered.push(`${when}: replica ${replica}, bundle ${index}`)
  }
  const replicas = [0, 1].map((index) =>
    openKeeper(t, client, (certificates) => {
      serving.set(index, certificates)
      // The first one is served while the bundles are being written: nobody is sent here before.
      if (replicas[index] !== undefined && replicas[index].served.length > 1) check('serving')
    }),
  )
  const first = await Promise.all(replicas.map(({ keeper }) => keeper.ready))
  assert.equal(new Set(first.map(({ material }) => material.leaf.certificatePem)).size, 1)
  await waitUntil('the bundles', () => conversionBundle(cluster) === base64(first[0]?.material.authoritiesPem ?? ''))
  // Before each call takes effect the one before has: so every state is looked at.
  cluster.before = ({ verb, plural }) => {
    check(`${verb} ${plural}`)
    return undefined
  }

  const startedMs = performance.now()
  const rotation = { kind: 'replaceAuthority', why: 'asked' } as const
  const options = { wallMs: () => startMs + 1000, log: silentLog, first: rotation }
  const rotated = await ensureCertificates(client, about, options)
  assert.ok(rotated.ok)
  const leafPem = rotated.value.material.leaf.certificatePem
  await waitUntil('both to serve the new leaf', () =>
    [...serving.values()].every(({ material }) => material.leaf.certificatePem === leafPem),
  )
  assert.ok(performance.now() - startedMs >= settleMs / 20, 'not before the API servers have seen the bundles')
  check('in the end')
  assert.deepEqual(uncovered, [])
  assert.equal(bundlesOf(cluster)[1], base64(rotated.value.material.authoritiesPem))
})

void test('a caBundle that cannot be written holds up a new authority, not a renewal under the same', async (t) => {
  const { cluster, client } = openWatched()
  cluster.put(mutatingWebhookConfigurations, configuration())
  cluster.before = ({ verb, plural }) =>
    verb === 'patch' && plural === 'mutatingwebhookconfigurations'
      ? { kind: 'refuse', error: { code: 'Forbidden', message: 'PATCH: forbidden' } }
      : undefined
  const { keeper, served } = openKeeper(t, client)
  await keeper.ready
  const step = async (kind: 'renewLeaf' | 'replaceAuthority'): Promise<void> => {
    const options = { wallMs: () => startMs, log: silentLog, first: { kind, why: 'asked' } }
    assert.ok((await ensureCertificates(client, about, options)).ok)
  }
  await step('renewLeaf')
  await waitUntil('the renewed leaf to be served', () => served.length === 2)
  await step('replaceAuthority')
  const tries = (): number =>
    cluster.calls.filter(({ verb, plural }) => verb === 'patch' && plural !== 'secrets').length
  const before = tries()
  await waitUntil('some more tries', () => tries() >= before + 3)
  assert.equal(served.length, 2, 'the leaf that is trusted is served on')
  cluster.before = () => undefined
  await waitUntil('the leaf of the new authority to be served', () => served.length === 3)
})

void test('the Secret of another cluster put in place: the old leaf is served, and covered, until the other is trusted', async (t) => {
  const { cluster, client } = openWatched()
  cluster.put(mutatingWebhookConfigurations, configuration())
  const other = openFakeCluster()
  const foreign = await ensureCertificates(other.client, about, { wallMs: () => startMs, log: silentLog })
  assert.ok(foreign.ok)
  const bundles: string[] = []
  const { keeper, served } = openKeeper(t, client, () => bundles.push(bundlesOf(cluster)[1] ?? ''))
  const { state } = await keeper.ready
  await waitUntil('the bundle', () => bundlesOf(cluster)[1] !== undefined)
  const ref = secretRef('bellhop-system', 'bellhop-webhook-tls')
  const data = other.object(secrets, ref.name, ref.namespace)?.['data']
  await client.patch(ref, { type: 'merge', body: { data } })
  const foreignPem = foreign.value.state.authorities[0].pem
  await waitUntil('the foreign leaf to be served', () => served.length === 2)
  assert.equal(bundles[1], base64(foreignPem + state.signer.pem))
})

void test('every object with a caBundle of ours is looked after', () => {
  assert.deepEqual(
    bundleHolders('bellhop').map(({ resource, name }) => `${resource.plural}/${name}`),
    [
      'mutatingwebhookconfigurations/bellhop',
      'validatingwebhookconfigurations/bellhop',
      'customresourcedefinitions/eips.network.kubesphere.io',
      'customresourcedefinitions/bgpconfs.network.kubesphere.io',
      'customresourcedefinitions/bgppeers.network.kubesphere.io',
    ],
  )
})
