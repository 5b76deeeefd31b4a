// Decoding of damaged messages, from sessions with real routers and from the generator: the outcome is always a message,
// "needs more", or a NOTIFICATION with its class, the same that a naive twin comes to; soon, and with little memory.
// With BELLHOP_TEST_LONG a million of them, else as many as fit 5 s.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import {
  type Message,
  type UpdateContext,
  type WireError,
  decodeMessage,
  describeNotification,
  encodeMessage,
  errorCodes,
  isWireError,
  nextFrame,
} from '../../src/core/bgp/wire/index.ts'
import { readCaptures } from '../fixtures/bgp/read.ts'
import { messageIn } from './bgp/messages.ts'
import { type Draw, drawFrom, mutate } from './bgp/mutate.ts'
import { decodeNaively } from './bgp/naive-decoder.ts'
import { plain } from './bgp/plain.ts'

const isLong = process.env['BELLHOP_TEST_LONG'] !== undefined
const budget = isLong ? { messages: 1_000_000, ms: Number.POSITIVE_INFINITY } : { messages: 100_000, ms: 5000 }
const codes: readonly number[] = Object.values(errorCodes)

interface Seed {
  readonly bytes: Uint8Array
  readonly context: UpdateContext
}

const contexts: readonly UpdateContext[] = [
  { fourOctetAs: true, addPath: [], external: true },
  { fourOctetAs: true, addPath: [4, 6], external: false },
  { fourOctetAs: false, addPath: [], external: true },
]

function seeds(draw: Draw): readonly Seed[] {
  const captured = readCaptures().map(({ bytes }) => ({
    bytes,
    context: contexts[draw(contexts.length)] ?? assert.fail(),
  }))
  assert.ok(captured.length >= 100, 'messages of real routers')
  const generated = fc.sample(messageIn, { numRuns: 500, seed: 42 })
  return [...captured, ...generated.map(([message, context]) => ({ bytes: encodeMessage(message, context), context }))]
}

test('fuzz: every damaged message is a message, "needs more", or a NOTIFICATION with its class, as for the naive twin', (t) => {
  const draw = drawFrom(4271)
  const from = seeds(draw)
  const pick = (): Seed => from[draw(from.length)] ?? assert.fail()
  const outcomes = { message: 0, needsMore: 0, error: 0, faults: 0 }
  const began = performance.now()
  let longestMs = 0
  let count = 0
  for (; count < budget.messages && performance.now() - began < budget.ms; count++) {
    const { bytes, context } = pick()
    const mutated = mutate(bytes, pick().bytes, draw)
    const maximum = draw(2) === 0 ? 4096 : 65535
    const start = performance.now()
    const outcome = decode(mutated, context, maximum)
    longestMs = Math.max(longestMs, performance.now() - start)
    judge(outcome, mutated, context, maximum, outcomes)
  }
  t.diagnostic(
    `${count} messages, longest ${longestMs.toFixed(1)} ms, ${JSON.stringify(outcomes)}, ${((performance.now() - began) / 1000).toFixed(1)} s`,
  )
  assert.ok(
    Math.min(...Object.values(outcomes)) > count / 1000,
    `every outcome is reached: ${JSON.stringify(outcomes)}`,
  )
  assert.ok(longestMs < 2000, `no message takes long: ${longestMs} ms`)
})

test('fuzz: memory does not grow with the messages seen', () => {
  const draw = drawFrom(7606)
  const from = seeds(draw)
  const run = (count: number): number => {
    for (let i = 0; i < count; i++) {
      const { bytes, context } = from[draw(from.length)] ?? assert.fail()
      decode(mutate(bytes, bytes, draw), context, 65535)
    }
    return process.memoryUsage().heapUsed
  }
  const before = run(5000)
  const after = run(isLong ? 500_000 : 15_000)
  // Nothing is kept, but when the collector runs is its own affair.
  assert.ok(after - before < 128 * 1024 * 1024, `${before} octets before, ${after} after`)
})

type Outcome = Message | WireError | { readonly kind: 'needs-more'; readonly octets: number }

function decode(bytes: Uint8Array, context: UpdateContext, maximum: number): Outcome {
  const frame = nextFrame(bytes, 0, maximum)
  return frame.kind === 'frame' ? decodeMessage(frame, context) : frame
}

function judge(
  outcome: Outcome,
  bytes: Uint8Array,
  context: UpdateContext,
  maximum: number,
  counts: { message: number; needsMore: number; error: number; faults: number },
): void {
  const twin = decodeNaively([...bytes], context, maximum)
  const where = (): string => `${Buffer.from(bytes).toString('hex')} ${JSON.stringify(context)} ${maximum}`
  if ('kind' in outcome && outcome.kind === 'needs-more') {
    assert.ok(outcome.octets > 0 && outcome.octets <= 65535)
    assert.equal(twin.kind, 'needs-more', where())
    counts.needsMore++
  } else if (isWireError(outcome)) {
    assert.equal(outcome.class, 'session-reset', 'lesser damage is told in the message')
    assert.ok(codes.includes(outcome.code))
    assert.ok(outcome.data.length <= bytes.length && outcome.detail !== '')
    assert.ok(
      twin.kind === 'notification' && twin.code === outcome.code,
      `${JSON.stringify(twin)} ${outcome.detail}: ${where()}`,
    )
    assert.ok(twin.subcodes.includes(outcome.subcode), `${JSON.stringify(twin)} ${outcome.subcode}: ${where()}`)
    counts.error++
  } else {
    const message = outcome
    if (twin.kind !== 'message') return assert.fail(`${JSON.stringify(twin)}: ${where()}`)
    const [here, there] = [canonical(plain(message)), canonical(twin.message)]
    if (here !== there) assert.equal(here, there, where())
    // In proportion to what came: a prefix of one octet is the most that an octet can amount to.
    assert.ok(here.length <= 200 + 160 * bytes.length, where())
    if (message.type === 'notification') assert.ok(describeNotification(message).length <= 200 + bytes.length)
    counts.message++
    if (message.type === 'update' && message.faults.length > 0) counts.faults++
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )
}
