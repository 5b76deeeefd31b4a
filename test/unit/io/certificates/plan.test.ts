import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CertificateState,
  chooseStep,
  mostJitterMs,
  planCertificates,
  servingNames,
  trustAfterUseMs,
} from '../../../../src/io/certificates/plan.ts'
import type { Certificate } from '../../../../src/io/certificates/x509.ts'

const dayMs = 24 * 60 * 60 * 1000
const names = servingNames('bellhop-webhook', 'bellhop-system')

function certificate(fingerprint: string, issuedMs: number, lifeMs: number): Certificate {
  const pem = `pem of ${fingerprint}`
  return { pem, subject: '', issuedMs, expiresMs: issuedMs + lifeMs, dnsNames: names, isAuthority: true, fingerprint }
}

const authority = certificate('ca', 0, 3600 * dayMs)
const fresh: CertificateState = {
  authorities: [authority],
  canSign: true,
  leaf: certificate('leaf', 0, 90 * dayMs),
  signer: authority,
  faults: [],
}

void test('a fresh pair is kept until two thirds of the leaf have passed', () => {
  assert.deepEqual(planCertificates(fresh, names, dayMs), { kind: 'keep', nextLookMs: 60 * dayMs })
  assert.equal(planCertificates(fresh, names, 60 * dayMs - 1).kind, 'keep')
  assert.equal(planCertificates(fresh, names, 60 * dayMs).kind, 'renewLeaf')
})

void test('what is due by age waits for the moment of this replica, what cannot be used does not', () => {
  const jitterMs = mostJitterMs / 2
  assert.deepEqual(planCertificates(fresh, names, 60 * dayMs, jitterMs), {
    kind: 'keep',
    nextLookMs: 60 * dayMs + jitterMs,
  })
  assert.equal(planCertificates(fresh, names, 60 * dayMs + jitterMs, jitterMs).kind, 'renewLeaf')
  assert.equal(planCertificates(fresh, names, 90 * dayMs, 100 * dayMs).kind, 'renewLeaf')
})

void test('no Secret, or no authority that can be read: all is issued', () => {
  assert.equal(planCertificates(undefined, names, 0).kind, 'issue')
  const faults = ['ca.crt is no PEM certificate']
  const state: CertificateState = { ...fresh, authorities: [], canSign: false, signer: undefined, faults }
  assert.deepEqual(planCertificates(state, names, 0), { kind: 'issue', why: 'ca.crt is no PEM certificate' })
})

void test('an authority that has expired, or whose key is lost, is replaced beside the one that is trusted', () => {
  assert.deepEqual(planCertificates(fresh, names, 3600 * dayMs), {
    kind: 'replaceAuthority',
    why: 'the authority expired on 1979-11-10',
  })
  const lost = { ...fresh, canSign: false, faults: ['ca.key is missing'] }
  assert.deepEqual(planCertificates(lost, names, 0), { kind: 'replaceAuthority', why: 'ca.key is missing' })
})

void test('a leaf that cannot be served is renewed at once, and the reason says what was wrong', () => {
  const why = (state: CertificateState, atMs = 0, dnsNames = names): unknown =>
    Object.values(planCertificates(state, dnsNames, atMs))
  const damaged = { ...fresh, leaf: undefined, faults: ['tls.key is no private key of tls.crt'] }
  assert.deepEqual(why(damaged), ['renewLeaf', 'tls.key is no private key of tls.crt'])
  assert.deepEqual(why(fresh, 91 * dayMs), ['renewLeaf', 'the certificate expired on 1970-04-01'])
  assert.deepEqual(why(fresh, 0, [...names, 'other.example']), [
    'renewLeaf',
    'the certificate lacks the name other.example',
  ])
})

void test('a new authority: its leaf at once, the old authority dropped when no replica can be serving a leaf of it', () => {
  const start = 2400 * dayMs
  const leaf = certificate('leaf', start - dayMs, 90 * dayMs)
  assert.equal(planCertificates({ ...fresh, leaf }, names, start).kind, 'replaceAuthority')

  const next = certificate('next', start, 3600 * dayMs)
  const overlap: CertificateState = { ...fresh, authorities: [next, authority], leaf, signer: authority }
  assert.equal(planCertificates(overlap, names, start).kind, 'renewLeaf')

  const switched: CertificateState = { ...overlap, leaf: certificate('leaf 2', start, 90 * dayMs), signer: next }
  const dropMs = start + trustAfterUseMs
  assert.deepEqual(planCertificates(switched, names, start), { kind: 'keep', nextLookMs: dropMs })
  assert.equal(planCertificates(switched, names, dropMs).kind, 'dropAuthorities')
})

void test('what is asked for is done, unless there is nothing to build it upon', () => {
  const asked = { kind: 'renewLeaf', why: 'asked' } as const
  assert.equal(chooseStep({ kind: 'keep', nextLookMs: 0 }, asked), asked)
  assert.equal(chooseStep({ kind: 'renewLeaf', why: 'old' }, asked), asked)
  assert.equal(chooseStep({ kind: 'issue', why: 'none' }, asked).kind, 'issue')
  assert.equal(chooseStep({ kind: 'replaceAuthority', why: 'no key' }, asked).kind, 'replaceAuthority')
  assert.equal(chooseStep({ kind: 'keep', nextLookMs: 0 }, undefined).kind, 'keep')
})
