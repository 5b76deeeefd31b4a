import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CertificateState, planCertificates, servingNames } from '../../../../src/io/certificates/plan.ts'
import type { Certificate } from '../../../../src/io/certificates/x509.ts'

const dayMs = 24 * 60 * 60 * 1000
const minuteMs = 60 * 1000
const names = servingNames('bellhop-webhook', 'bellhop-system')

function certificate(fingerprint: string, issuedMs: number, lifeMs: number): Certificate {
  const pem = `pem of ${fingerprint}`
  return { pem, subject: '', issuedMs, expiresMs: issuedMs + lifeMs, dnsNames: names, isAuthority: true, fingerprint }
}

function fresh(): CertificateState {
  const authority = certificate('ca', 0, 3600 * dayMs)
  return { authorities: [authority], leaf: certificate('leaf', 0, 90 * dayMs), signer: authority }
}

void test('a fresh pair is kept until two thirds of the leaf have passed', () => {
  assert.deepEqual(planCertificates(fresh(), names, dayMs), { kind: 'keep', nextLookMs: 60 * dayMs })
  assert.equal(planCertificates(fresh(), names, 60 * dayMs - 1).kind, 'keep')
  assert.equal(planCertificates(fresh(), names, 60 * dayMs).kind, 'renewLeaf')
})

void test('nothing usable, or an expired authority: all is issued anew', () => {
  assert.equal(planCertificates(undefined, names, 0).kind, 'issue')
  assert.equal(planCertificates(fresh(), names, 3600 * dayMs).kind, 'issue')
})

void test('a leaf without one of the names is renewed, and the reason names it', () => {
  const plan = planCertificates(fresh(), [...names, 'other.example'], 0)
  assert.equal(plan.kind, 'renewLeaf')
  assert.match('why' in plan ? plan.why : '', /other\.example/)
})

void test('a new authority is trusted five minutes before its leaf is served, the old one a day after', () => {
  const old = certificate('old', 0, 3600 * dayMs)
  const leaf = certificate('leaf', 2399 * dayMs, 90 * dayMs)
  const start = 2400 * dayMs
  assert.equal(planCertificates({ authorities: [old], leaf, signer: old }, names, start).kind, 'addAuthority')

  const next = certificate('next', start, 3600 * dayMs)
  const overlap: CertificateState = { authorities: [next, old], leaf, signer: old }
  assert.deepEqual(planCertificates(overlap, names, start), { kind: 'keep', nextLookMs: start + 5 * minuteMs })
  assert.equal(planCertificates(overlap, names, start + 5 * minuteMs).kind, 'renewLeaf')

  const switched: CertificateState = {
    authorities: [next, old],
    leaf: certificate('leaf 2', start + 5 * minuteMs, 90 * dayMs),
    signer: next,
  }
  assert.equal(planCertificates(switched, names, start + 6 * minuteMs).kind, 'keep')
  assert.equal(planCertificates(switched, names, start + 5 * minuteMs + dayMs).kind, 'dropAuthorities')
})

void test('an expired leaf does not wait for the overlap', () => {
  const old = certificate('old', 0, 3600 * dayMs)
  const next = certificate('next', 100 * dayMs, 3600 * dayMs)
  const state = { authorities: [next, old] as const, leaf: certificate('leaf', 0, 90 * dayMs), signer: old }
  assert.equal(planCertificates(state, names, 100 * dayMs + 1).kind, 'renewLeaf')
})
