import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Report, issueCertificates, rotateCertificates } from '../../../certs/commands.ts'
import { formatStatus, readStatus } from '../../../certs/status.ts'
import { type CertificatesAbout, secretRef } from '../../../src/io/certificates/index.ts'
import { customResourceDefinitions, mutatingWebhookConfigurations, secrets } from '../../../src/io/kube/resources.ts'
import { type FakeCluster, openFakeCluster } from '../webhook/fake-cluster.ts'

const about: CertificatesAbout = {
  service: { namespace: 'bellhop-system', name: 'bellhop-webhook' },
  secretName: 'bellhop-webhook-tls',
  configurationName: 'bellhop',
}
const startMs = Date.UTC(2026, 10, 21, 12)
const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs
const service = { name: 'bellhop-webhook', namespace: 'bellhop-system' }

const configuration = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'bellhop' },
  webhooks: [{ name: 'a', clientConfig: { service } }],
}
const definition = (name: string, strategy: 'Webhook' | 'None') => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${name}.network.kubesphere.io` },
  spec: { conversion: strategy === 'None' ? { strategy } : { strategy, webhook: { clientConfig: { service } } } },
})

function openCluster(): FakeCluster {
  const cluster = openFakeCluster()
  cluster.put(mutatingWebhookConfigurations, configuration)
  cluster.put(customResourceDefinitions, definition('eips', 'Webhook'))
  cluster.put(customResourceDefinitions, definition('bgpconfs', 'None'))
  return cluster
}

const options = (atMs = startMs): { wallMs: () => number; dryRun: boolean; force: boolean } => ({
  wallMs: () => atMs,
  dryRun: false,
  force: false,
})

/** What is printed, fingerprints made alike. */
async function page({ client }: FakeCluster, atMs = startMs): Promise<string> {
  const lines = formatStatus(await readStatus(client, about, atMs), atMs)
  return lines.join('\n').replaceAll(/\b[0-9a-f]{12}\b/g, 'fingerprint0')
}

function dataOf(cluster: FakeCluster): Record<string, string> {
  return cluster.objects(secrets)[0]?.['data'] as Record<string, string>
}

function writes({ calls }: FakeCluster): number {
  return calls.filter(({ verb }) => verb !== 'get').length
}

const text = ({ lines }: Report): string => lines.join('\n')

void test('before anything is there: status says what is missing and how to mend it', async () => {
  assert.equal(
    await page(openCluster()),
    `Secret bellhop-system/bellhop-webhook-tls

Secret bellhop-system/bellhop-webhook-tls does not exist: start a webhook, or run "certs issue"`,
  )
})

void test('issue makes what is missing, says what it did, and the page of status is as it should be', async () => {
  const cluster = openCluster()
  const foreseen = await issueCertificates(cluster.client, about, { ...options(), dryRun: true })
  assert.equal(
    text(foreseen),
    `Would be written to Secret bellhop-system/bellhop-webhook-tls: a new authority and a serving certificate of it (there is no Secret)
Would be written to MutatingWebhookConfiguration bellhop: caBundle
Would be written to CustomResourceDefinition eips.network.kubesphere.io: caBundle`,
  )
  assert.equal(writes(cluster), 0)
  const issued = await issueCertificates(cluster.client, about, options())
  assert.equal(issued.ok, true)
  assert.equal(
    text(issued),
    `Secret bellhop-system/bellhop-webhook-tls: a new authority and a serving certificate of it (there is no Secret)
MutatingWebhookConfiguration bellhop: caBundle written
CustomResourceDefinition eips.network.kubesphere.io: caBundle written
Next: every running webhook serves the new certificate within a second.`,
  )
  assert.equal(
    await page(cluster),
    `Secret bellhop-system/bellhop-webhook-tls

CERTIFICATE                                  VALID UNTIL   LEFT        NEXT
serving bellhop-webhook.bellhop-system.svc   2027-02-19    90 days     renewed from 2027-01-20
authority fingerprint0 (signed it)           2036-11-20    3652 days   replaced from 2033-07-22

CABUNDLE OF                                               STATE
MutatingWebhookConfiguration bellhop                      trusts every authority
ValidatingWebhookConfiguration bellhop                    does not exist
CustomResourceDefinition eips.network.kubesphere.io       trusts every authority
CustomResourceDefinition bgpconfs.network.kubesphere.io   does not call the webhook
CustomResourceDefinition bgppeers.network.kubesphere.io   does not exist

All is well.`,
  )
  const before = writes(cluster)
  assert.deepEqual(await issueCertificates(cluster.client, about, options()), {
    ok: true,
    lines: ['Nothing is missing or due.'],
  })
  assert.equal(writes(cluster), before)
})

void test('rotate: a new authority beside the old one, said so, seen so, and the old one goes after its hour', async () => {
  const cluster = openCluster()
  await issueCertificates(cluster.client, about, options())
  const first = dataOf(cluster)
  const later = startMs + dayMs
  const foreseen = await rotateCertificates(cluster.client, about, { ...options(later), dryRun: true })
  assert.equal(
    text(foreseen),
    `Would be written to Secret bellhop-system/bellhop-webhook-tls: a new authority and a serving certificate of it; the authority before stays trusted for now (asked for with "certs rotate")
Would be written to MutatingWebhookConfiguration bellhop: caBundle
Would be written to CustomResourceDefinition eips.network.kubesphere.io: caBundle`,
  )
  assert.deepEqual(dataOf(cluster), first)
  assert.equal(
    text(await rotateCertificates(cluster.client, about, options(later))),
    `Secret bellhop-system/bellhop-webhook-tls: a new authority and a serving certificate of it; the authority before stays trusted for now (asked for with "certs rotate")
MutatingWebhookConfiguration bellhop: caBundle written
CustomResourceDefinition eips.network.kubesphere.io: caBundle written
Next: every running webhook serves the new certificate within 5 s of seeing the new caBundles, without closing a connection; the authority before is dropped from 2026-11-22T13:00Z.`,
  )
  assert.equal(
    await page(cluster, later),
    `Secret bellhop-system/bellhop-webhook-tls

CERTIFICATE                                  VALID UNTIL   LEFT        NEXT
serving bellhop-webhook.bellhop-system.svc   2027-02-20    90 days     renewed from 2027-01-21
authority fingerprint0 (signed it)           2036-11-21    3652 days   replaced from 2033-07-23
authority fingerprint0                       2036-11-20    3651 days   dropped from 2026-11-22T13:00Z

CABUNDLE OF                                               STATE
MutatingWebhookConfiguration bellhop                      trusts every authority
ValidatingWebhookConfiguration bellhop                    does not exist
CustomResourceDefinition eips.network.kubesphere.io       trusts every authority
CustomResourceDefinition bgpconfs.network.kubesphere.io   does not call the webhook
CustomResourceDefinition bgppeers.network.kubesphere.io   does not exist

All is well.`,
  )
  const dropped = await issueCertificates(cluster.client, about, options(later + hourMs))
  assert.match(text(dropped), /older authorities dropped .*\nMutatingWebhookConfiguration bellhop: caBundle written/)
  assert.equal((await readStatus(cluster.client, about, later + hourMs)).authorities.length, 1)
})

void test('issue --force: another serving certificate, the same authority', async () => {
  const cluster = openCluster()
  await issueCertificates(cluster.client, about, options())
  const first = dataOf(cluster)
  assert.equal(
    text(await issueCertificates(cluster.client, about, { ...options(), force: true })),
    `Secret bellhop-system/bellhop-webhook-tls: a new serving certificate of the same authority (asked for with --force)
Next: every running webhook serves the new certificate within a second.`,
  )
  assert.notEqual(dataOf(cluster)['tls.crt'], first['tls.crt'])
  assert.equal(dataOf(cluster)['ca.crt'], first['ca.crt'])
})

void test('what is not well is one sentence each; -o json has the same', async () => {
  const cluster = openCluster()
  await issueCertificates(cluster.client, about, options())
  cluster.put(mutatingWebhookConfigurations, configuration)
  const ref = secretRef('bellhop-system', 'bellhop-webhook-tls')
  await cluster.client.patch(ref, { type: 'merge', body: { data: { 'tls.key': '' } } })
  const status = await readStatus(cluster.client, about, startMs)
  assert.equal(status.ok, false)
  assert.deepEqual(status.problems, [
    'Secret bellhop-system/bellhop-webhook-tls: tls.key is missing; running webhooks mend it, or "certs issue"',
    'MutatingWebhookConfiguration bellhop has another caBundle: the API server will not call the webhook; run "certs issue"',
  ])
  assert.deepEqual(
    status.caBundles.map(({ state }) => state),
    ['wrong', 'missing', 'right', 'unused', 'missing'],
  )
  assert.match(await page(cluster), /\nMutatingWebhookConfiguration bellhop +HAS ANOTHER CABUNDLE\n/)
  assert.equal((await issueCertificates(cluster.client, about, options())).ok, true)
  assert.equal((await readStatus(cluster.client, about, startMs)).ok, true)
})

void test('what running webhooks may take their time for is not overdue, what comes after that is', async () => {
  const cluster = openCluster()
  await issueCertificates(cluster.client, about, options())
  assert.equal((await readStatus(cluster.client, about, startMs + 60 * dayMs + hourMs / 2)).ok, true)
  const late = await readStatus(cluster.client, about, startMs + 61 * dayMs)
  assert.match(late.problems.join('\n'), /two thirds of the life of the certificate have passed; running webhooks/)
})

void test('a call that the API server refuses ends in one sentence', async () => {
  const cluster = openCluster()
  cluster.before = ({ verb }) =>
    verb === 'create' ? { kind: 'refuse', error: { code: 'Forbidden', message: 'POST secrets: forbidden' } } : undefined
  const report = await issueCertificates(cluster.client, about, options())
  assert.deepEqual(report, {
    ok: false,
    lines: ['Secret bellhop-system/bellhop-webhook-tls was not brought into order: POST secrets: forbidden'],
  })
})

interface Ended {
  readonly status: number | null
  readonly out: string
  readonly said: string
}

function runCerts(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const main = join(import.meta.dirname, '../../../certs/main.ts')
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent' }
    const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, out, said }))
  })
}

void test('the command: help for each, one sentence when there is no cluster or no such command', async () => {
  const [help, helpOfRotate, noCluster, noCommand] = await Promise.all([
    runCerts('--help'),
    runCerts('rotate', '--help'),
    runCerts('status'),
    runCerts('renew'),
  ])
  assert.equal(help.status, 0)
  for (const name of ['status', 'issue', 'rotate']) assert.match(help.out, new RegExp(`^  ${name}\\b`, 'm'))
  assert.match(helpOfRotate.out, /--dry-run +say what would be done[\s\S]*--kubeconfig/)
  assert.equal(noCluster.status, 1)
  assert.match(noCluster.said, /^No cluster is known: .*Pass --kubeconfig or set KUBECONFIG\.\n$/)
  assert.equal(noCommand.status, 1)
  assert.match(noCommand.said, /^error: unknown command 'renew'/)
})
