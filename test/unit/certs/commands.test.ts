import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issueCertificates, reportStatus, rotateCertificates } from '../../../certs/commands.ts'
import type { CertificatesAbout } from '../../../src/io/certificates/index.ts'
import { mutatingWebhookConfigurations, secrets } from '../../../src/io/kube/resources.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { openFakeCluster } from '../webhook/fake-cluster.ts'

const about: CertificatesAbout = {
  service: { namespace: 'bellhop-system', name: 'bellhop-webhook' },
  secretName: 'bellhop-webhook-tls',
  configurationName: 'bellhop',
}
const nowMs = Date.UTC(2026, 10, 21)
const wallMs = (): number => nowMs

const configuration = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'bellhop' },
  webhooks: [{ name: 'a', clientConfig: { service: { name: 'bellhop-webhook', namespace: 'bellhop-system' } } }],
}

void test('status says what is missing and how to mend it; issue mends it', async () => {
  const cluster = openFakeCluster()
  cluster.put(mutatingWebhookConfigurations, configuration)
  const before = await reportStatus(cluster.client, about, nowMs)
  assert.equal(before.ok, false)
  assert.match(before.lines.join('\n'), /bellhop-system\/bellhop-webhook-tls does not exist: .*certs issue/)
  const issued = await issueCertificates(cluster.client, about, wallMs, silentLog)
  assert.equal(issued.ok, true, issued.lines.join('\n'))
  assert.match(issued.lines.join('\n'), /valid until 2027-02-19 \(90 days\), renewed from 2027-01-20/)
  assert.match(issued.lines.join('\n'), /MutatingWebhookConfiguration bellhop: trusts the authority/)
  assert.match(issued.lines.join('\n'), /ValidatingWebhookConfiguration bellhop: does not exist/)

  cluster.put(mutatingWebhookConfigurations, configuration)
  const wiped = await reportStatus(cluster.client, about, nowMs)
  assert.equal(wiped.ok, false)
  assert.match(wiped.lines.join('\n'), /another caBundle.*certs issue/)
})

void test('rotate makes a new certificate under the same authority; with --authority both are trusted', async () => {
  const cluster = openFakeCluster()
  await issueCertificates(cluster.client, about, wallMs, silentLog)
  const dataOf = (): Record<string, string> => cluster.objects(secrets)[0]?.['data'] as Record<string, string>
  const first = dataOf()
  assert.equal((await rotateCertificates(cluster.client, about, 'leaf', wallMs, silentLog)).ok, true)
  const second = dataOf()
  assert.notEqual(second['tls.crt'], first['tls.crt'])
  assert.equal(second['ca.crt'], first['ca.crt'])
  const report = await rotateCertificates(cluster.client, about, 'authority', wallMs, silentLog)
  assert.equal(report.lines.filter((line) => line.startsWith('authority:')).length, 2, report.lines.join('\n'))
  assert.equal(dataOf()['tls.crt'], second['tls.crt'])
})

void test('two thirds of the life over: status says it is due', async () => {
  const cluster = openFakeCluster()
  await issueCertificates(cluster.client, about, wallMs, silentLog)
  const late = await reportStatus(cluster.client, about, nowMs + 61 * 24 * 60 * 60 * 1000)
  assert.equal(late.ok, false)
  assert.match(late.lines.join('\n'), /due: renewLeaf/)
})
