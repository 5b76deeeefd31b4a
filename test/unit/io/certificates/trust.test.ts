import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Trust, settleMs } from '../../../../src/io/certificates/trust.ts'
import type { Certificate } from '../../../../src/io/certificates/x509.ts'

function authority(fingerprint: string): Certificate {
  const times = { issuedMs: 0, expiresMs: 1e12 }
  return { pem: `${fingerprint}\n`, subject: '', dnsNames: [], isAuthority: true, fingerprint, ...times }
}

const old = authority('old')
const next = authority('next')

void test('a leaf of a new authority waits until the caBundles have held it for a while', () => {
  const trust = new Trust()
  assert.equal(trust.waitMs(next, 0), undefined)
  trust.noteBundles([next, old], true, 100)
  assert.equal(trust.waitMs(next, 100), settleMs)
  trust.noteBundles([next, old], false, 100 + settleMs)
  assert.equal(trust.waitMs(next, 100 + settleMs), 0)
})

void test('a bundle that had to be repaired, or that lost the authority, starts the wait anew', () => {
  const trust = new Trust()
  trust.noteBundles([next], false, 0)
  trust.noteBundles([next], true, settleMs)
  assert.equal(trust.waitMs(next, settleMs), settleMs)
  trust.noteBundles([old], false, settleMs + 1)
  assert.equal(trust.waitMs(next, settleMs + 1), undefined)
})

void test('what is served stays in the bundle though the Secret has other authorities, and a while after', () => {
  const trust = new Trust()
  trust.noteServed(old, undefined, 0)
  assert.equal(trust.bundlePem([next], 1e9, 0), 'next\nold\n')
  assert.equal(trust.bundlePem([next], 1e9, 2e12), 'next\n', 'not once it has expired')
  trust.noteServed(next, old, 1e9)
  assert.equal(trust.bundlePem([next], 1e9 + 59_000, 0), 'next\nold\n')
  assert.equal(trust.bundlePem([next], 1e9 + 61_000, 0), 'next\n')
  assert.equal(trust.bundlePem([next, old], 1e9, 0), 'next\nold\n', 'each once')
})
