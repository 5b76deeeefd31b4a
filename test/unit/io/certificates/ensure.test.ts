import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Certificates,
  type CertificatesAbout,
  applyStep,
  backdateMs,
  ensureCertificates,
  issueLeaf,
  readBundle,
  readMaterial,
  secretRef,
  servingNames,
} from '../../../../src/io/certificates/index.ts'
import { secrets } from '../../../../src/io/kube/resources.ts'
import { type Log, silentLog } from '../../../../src/io/telemetry/log.ts'
import { type FakeCluster, openFakeCluster } from '../../webhook/fake-cluster.ts'

const about: CertificatesAbout = {
  service: { namespace: 'bellhop-system', name: 'bellhop-webhook' },
  secretName: 'bellhop-webhook-tls',
  configurationName: 'bellhop',
}
const names = servingNames('bellhop-webhook', 'bellhop-system')
const ref = secretRef('bellhop-system', 'bellhop-webhook-tls')
const dayMs = 24 * 60 * 60 * 1000
const startMs = Date.UTC(2026, 10, 21)

function ensure(cluster: FakeCluster, atMs = startMs, options = {}): ReturnType<typeof ensureCertificates> {
  return ensureCertificates(cluster.client, about, { wallMs: () => atMs, log: silentLog, ...options })
}

async function ensured(cluster: FakeCluster, atMs = startMs, options = {}): Promise<Certificates> {
  const answer = await ensure(cluster, atMs, options)
  assert.ok(answer.ok, answer.ok ? '' : answer.error.message)
  return answer.value
}

/** Keeps what is said about damage. */
function listening(): { readonly log: Log; readonly wrong: string[] } {
  const wrong: string[] = []
  return { wrong, log: { ...silentLog, warn: (_message, fields) => void wrong.push(String(fields?.['wrong'])) } }
}

async function overwrite(cluster: FakeCluster, data: Readonly<Record<string, string>>): Promise<void> {
  const encoded = Object.entries(data).map(([key, pem]) => [key, Buffer.from(pem).toString('base64')])
  const answer = await cluster.client.patch(ref, { type: 'merge', body: { data: Object.fromEntries(encoded) } })
  assert.ok(answer.ok)
}

void test('the first to come issues: ten years, 90 days, the names of the Service, valid for clocks that are behind', async () => {
  const cluster = openFakeCluster()
  const { state, material, done } = await ensured(cluster)
  const [authority] = state.authorities
  assert.equal(authority.isAuthority, true)
  assert.ok(authority.expiresMs - startMs >= 3650 * dayMs)
  assert.equal(state.leaf.expiresMs, startMs + 90 * dayMs)
  assert.deepEqual(state.leaf.dnsNames, names)
  assert.equal(state.leaf.isAuthority, false)
  assert.ok(backdateMs >= 60 * 60 * 1000)
  assert.equal(state.leaf.issuedMs, startMs)
  assert.deepEqual((await readMaterial(material)).leaf?.fingerprint, state.leaf.fingerprint)
  assert.deepEqual(
    done.map(({ kind }) => kind),
    ['issue'],
  )
})

void test('four replicas starting at once: one authority, the same certificate', async () => {
  const cluster = openFakeCluster()
  const all = await Promise.all([0, 1, 2, 3].map(() => ensured(cluster)))
  assert.equal(new Set(all.map(({ state }) => state.leaf.fingerprint)).size, 1)
  assert.equal(new Set(all.map(({ state }) => state.authorities[0].fingerprint)).size, 1)
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

void test('each damage is mended, the log says what was wrong, and the authority stays where it can', async () => {
  const { material } = await ensured(openFakeCluster())
  const other = await applyStep({ kind: 'issue', why: '' }, undefined, names, startMs)
  const signer = { certificatePem: material.authoritiesPem, keyPem: material.authorityKeyPem }
  const expired = await issueLeaf(signer, names, startMs - 100 * dayMs, 90 * dayMs)
  const misnamed = await issueLeaf(signer, ['other.example'], startMs, 90 * dayMs)
  const cases: readonly [Readonly<Record<string, string>>, RegExp, 'same' | 'added' | 'new', boolean][] = [
    [{ 'tls.crt': 'garbage' }, /^tls\.crt is no PEM certificate$/, 'same', true],
    [{ 'tls.crt': '' }, /^tls\.crt is missing$/, 'same', true],
    [{ 'tls.key': other.leaf.keyPem }, /^tls\.key is no private key of tls\.crt$/, 'same', true],
    [
      { 'tls.crt': other.leaf.certificatePem, 'tls.key': other.leaf.keyPem },
      /^tls\.crt is signed by no authority in ca\.crt$/,
      'same',
      true,
    ],
    [{ 'tls.crt': expired.certificatePem, 'tls.key': expired.keyPem }, /expired on 2026-11-11/, 'same', false],
    [
      { 'tls.crt': misnamed.certificatePem, 'tls.key': misnamed.keyPem },
      /lacks the name bellhop-webhook/,
      'same',
      false,
    ],
    [{ 'ca.key': 'garbage' }, /^ca\.key is no private key of the first certificate in ca\.crt$/, 'added', true],
    [{ 'ca.crt': 'garbage' }, /^ca\.crt is no PEM certificate$/, 'new', true],
    [{ 'ca.crt': material.leaf.certificatePem }, /^ca\.crt is no authority$/, 'new', true],
  ]
  for (const [data, said, authority, isDamage] of cases) {
    const cluster = openFakeCluster()
    const first = await ensured(cluster)
    // Everything of the first material, so that keys and certificates of the cases belong to it.
    await overwrite(cluster, {
      'ca.crt': material.authoritiesPem,
      'ca.key': material.authorityKeyPem,
      'tls.crt': material.leaf.certificatePem,
      'tls.key': material.leaf.keyPem,
      ...data,
    })
    const { log, wrong } = listening()
    const mended = await ensured(cluster, startMs, { log })
    const label = Object.keys(data).join()
    assert.match(isDamage ? wrong.join() : (mended.done[0]?.why ?? ''), said, label)
    assert.notEqual(mended.state.leaf.fingerprint, first.state.leaf.fingerprint, label)
    const pems = mended.state.authorities.map(({ pem }) => pem)
    if (authority === 'same') assert.deepEqual(pems, [material.authoritiesPem], label)
    if (authority === 'added') assert.deepEqual([pems.length, pems[1]], [2, material.authoritiesPem], label)
    if (authority === 'new') assert.ok(pems.length === 1 && pems[0] !== material.authoritiesPem, label)
    assert.equal(cluster.calls.filter(({ verb }) => verb === 'patch').length, 2, `${label}: mended in one write`)
  }
})

void test('a Secret deleted or damaged while its certificates are known gets those back', async () => {
  const cluster = openFakeCluster()
  const { material } = await ensured(cluster)
  const { log, wrong } = listening()
  await overwrite(cluster, { 'ca.crt': 'garbage', 'tls.key': 'garbage' })
  const mended = await ensured(cluster, startMs, { known: material, log })
  assert.deepEqual(mended.material, material)
  assert.match(wrong.join(), /ca\.crt is no PEM certificate, tls\.key is no private key/)
  await cluster.client.delete(ref)
  assert.deepEqual((await ensured(cluster, startMs, { known: material })).material, material)
})

void test('an authority is replaced with overlap: both trusted with the new leaf, the old one dropped an hour later', async () => {
  const cluster = openFakeCluster()
  const first = await ensured(cluster)
  const why = 'asked for'
  const rotated = await ensured(cluster, startMs + dayMs, { first: { kind: 'replaceAuthority', why } })
  assert.equal(rotated.state.authorities.length, 2)
  assert.equal(rotated.state.authorities[1]?.pem, first.state.authorities[0].pem)
  assert.equal(rotated.state.signer.fingerprint, rotated.state.authorities[0].fingerprint)
  const soon = await ensured(cluster, startMs + dayMs + 50 * 60 * 1000)
  assert.deepEqual(soon.material, rotated.material)
  const dropped = await ensured(cluster, startMs + dayMs + 60 * 60 * 1000)
  assert.deepEqual(
    dropped.state.authorities.map(({ pem }) => pem),
    [rotated.state.authorities[0].pem],
  )
  assert.equal(dropped.state.leaf.fingerprint, rotated.state.leaf.fingerprint)
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
  assert.deepEqual(first.done, [])
  assert.equal((await ensured(cluster)).state.leaf.fingerprint, first.state.leaf.fingerprint)
})

void test('readBundle refuses what is no PEM', async () => {
  assert.equal(await readBundle('not a certificate'), undefined)
  assert.equal(await readBundle(''), undefined)
})

void test('steps on nothing issue', async () => {
  const material = await applyStep({ kind: 'renewLeaf', why: '' }, undefined, ['a.b.svc'], startMs)
  assert.deepEqual((await readMaterial(material)).leaf?.dnsNames, ['a.b.svc'])
})
