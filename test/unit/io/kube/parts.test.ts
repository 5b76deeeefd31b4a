import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as fc from 'fast-check'

import { backoffMs, retryDelayMs } from '../../../../src/io/kube/backoff.ts'
import { readErrorEvent, readRefusal } from '../../../../src/io/kube/error.ts'
import { keyOfRef, leases, microTime, namespaces, nodes, services } from '../../../../src/io/kube/index.ts'
import { openLineReader } from '../../../../src/io/kube/lines.ts'
import { resourcePath, withQuery } from '../../../../src/io/kube/path.ts'

void test('a backoff doubles up to its most; its upper half is random', () => {
  const bounds = { minMs: 200, maxMs: 10_000 }
  const most = Array.from({ length: 8 }, (_, index) => backoffMs(index + 1, () => 1, bounds))
  assert.deepEqual(most, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  assert.equal(
    backoffMs(3, () => 0, bounds),
    400,
  )
  assert.equal(
    backoffMs(1_000_000, () => 1, bounds),
    10_000,
  )
})

void test('a Retry-After is not undercut, but one of minutes is not believed', () => {
  const delayMs = (retryAfterMs: number, random: number): number => {
    const error = { code: 'TooManyRequests', message: '', retryAfterMs } as const
    return retryDelayMs(1, error, () => random, { minMs: 200, maxMs: 10_000 })
  }
  assert.deepEqual([delayMs(32_000, 0), delayMs(32_000, 1)], [32_000, 40_000])
  assert.deepEqual([delayMs(600_000, 0), delayMs(600_000, 1)], [40_000, 50_000])
})

void test('paths are those of the API server', () => {
  assert.equal(resourcePath(nodes, { name: 'n1', subresource: 'status' }), '/api/v1/nodes/n1/status')
  assert.equal(resourcePath(services, {}), '/api/v1/services')
  assert.equal(resourcePath(services, { namespace: 'a', name: 'b' }), '/api/v1/namespaces/a/services/b')
  assert.equal(resourcePath(namespaces, { name: 'a' }), '/api/v1/namespaces/a')
  assert.equal(resourcePath(leases, { namespace: 'x' }), '/apis/coordination.k8s.io/v1/namespaces/x/leases')
  assert.equal(resourcePath(nodes, { name: '../x' }), '/api/v1/nodes/..%2Fx')
  assert.equal(withQuery('/x', { a: 'b=c,d', e: undefined, f: true, g: 5 }), '/x?a=b%3Dc%2Cd&f=true&g=5')
  assert.equal(withQuery('/x', { a: undefined }), '/x')
})

void test('a refusal keeps the sentence of the API server, its code and its reason', () => {
  const body = { kind: 'Status', code: 409, reason: 'AlreadyExists', message: 'eips "x" already exists' }
  assert.deepEqual(readRefusal({ request: 'POST /x', status: 409, body, wallMs: 0 }), {
    code: 'AlreadyExists',
    message: 'POST /x: eips "x" already exists (409 AlreadyExists)',
    status: 409,
    reason: 'AlreadyExists',
    retryAfterMs: undefined,
  })
  const plain = readRefusal({ request: 'GET /x', status: 502, body: undefined, wallMs: 0 })
  assert.equal(plain.message, 'GET /x: no further explanation (502)')
  const asked = { ...body, reason: 'TooManyRequests', details: { retryAfterSeconds: 4 } }
  assert.equal(readRefusal({ request: '', status: 429, body: asked, wallMs: 0 }).retryAfterMs, 4000)
})

void test('Expired means Gone whatever the status; an ERROR event has its status inside', () => {
  const expired = { kind: 'Status', code: 500, reason: 'Expired', message: 'too old resource version' }
  assert.equal(readErrorEvent('watch', expired, 0).code, 'Gone')
  assert.equal(readErrorEvent('watch', { code: 410 }, 0).code, 'Gone')
  assert.equal(readErrorEvent('watch', { code: 403 }, 0).code, 'Forbidden')
  assert.equal(readErrorEvent('watch', 'nonsense', 0).code, 'Server')
})

void test('lines come out whole however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ' '))),
      fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
      (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        const found: string[] = []
        const reader = openLineReader((line) => found.push(line), 1_000_000)
        let from = 0
        for (const size of sizes) {
          if (from >= bytes.length) break
          assert.ok(reader.push(bytes.subarray(from, from + size)))
          from += size
        }
        assert.deepEqual(found, lines)
        assert.equal(reader.pendingBytes, 0)
      },
    ),
  )
})

void test('a line without end is given up', () => {
  const reader = openLineReader(() => assert.fail('no line was ended'), 100)
  assert.equal(reader.push(Buffer.alloc(60, 'x')), true)
  assert.equal(reader.push(Buffer.alloc(60, 'x')), false)
})

void test('times have six digits; keys have a namespace when there is one', () => {
  assert.equal(microTime(Date.UTC(2026, 10, 21, 1, 2, 3, 4)), '2026-11-21T01:02:03.004000Z')
  assert.equal(keyOfRef({ namespace: 'a', name: 'b' }), 'a/b')
  assert.equal(keyOfRef({ namespace: undefined, name: 'b' }), 'b')
})
