// The codec: whatever it writes it reads back, and two twins, made from the RFCs alone, write and read the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { ipToBytes } from '../../src/core/address/index.ts'
import { type Attributes, type Nlri, decodeMessage, encodeMessage, nextFrame } from '../../src/core/bgp/wire/index.ts'
import { messageIn } from './bgp/messages.ts'
import { decodeNaively } from './bgp/naive-decoder.ts'
import { plain } from './bgp/plain.ts'

const long = process.env['BELLHOP_TEST_LONG'] !== undefined

test('every message: written, framed, read back', () => {
  fc.assert(
    fc.property(messageIn, ([message, context]) => {
      const bytes = encodeMessage(message, context)
      const frame = nextFrame(bytes, 0, 65535)
      assert.ok(frame.kind === 'frame' && frame.length === bytes.length)
      // Cloned: fast-check's records have no prototype.
      assert.deepEqual(decodeMessage(frame, context), structuredClone(message))
    }),
    { numRuns: long ? 20_000 : 1500 },
  )
})

test('an UPDATE is byte for byte what a naive twin writes', () => {
  fc.assert(
    fc.property(messageIn, ([message, context]) => {
      fc.pre(message.type === 'update')
      const { withdrawn, attributes, nlri } = message
      const plain = { origin: attributes.origin ?? 0, nextHop: attributes.nextHop, med: attributes.med }
      const written = encodeMessage({ ...message, attributes: withoutUndefined(plain) }, context)
      const withId = context.addPath.includes(4)
      const twin = [
        ...withLength(withdrawn.flatMap((each) => naiveNlri(each, withId))),
        ...withLength([
          ...[0x40, 1, 1, plain.origin],
          ...(plain.nextHop === undefined ? [] : [0x40, 3, 4, ...ipToBytes(plain.nextHop)]),
          ...(plain.med === undefined ? [] : [0x80, 4, 4, ...naiveNumber(plain.med, 4)]),
        ]),
        ...nlri.flatMap((each) => naiveNlri(each, withId)),
      ]
      assert.deepEqual([...written.subarray(19)], twin)
      assert.deepEqual([...written.subarray(16, 19)], [...naiveNumber(19 + twin.length, 2), 2])
    }),
    { numRuns: long ? 10_000 : 1000 },
  )
})

function withoutUndefined(attributes: Record<string, unknown>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
}

function naiveNumber(value: number, width: number): number[] {
  const text = value.toString(16).padStart(width * 2, '0')
  return (text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
}

function naiveNlri({ prefix, pathId }: Nlri, withId: boolean): number[] {
  const bits = [...ipToBytes(prefix.ip)]
    .map((octet) => octet.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, prefix.length)
  const padded = bits.padEnd(Math.ceil(prefix.length / 8) * 8, '0')
  const value = (padded.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2))
  return [...(withId ? naiveNumber(pathId, 4) : []), prefix.length, ...value]
}

function withLength(bytes: number[]): number[] {
  return [...naiveNumber(bytes.length, 2), ...bytes]
}

test('every message that we write is read by a naive twin as we read it', () => {
  fc.assert(
    fc.property(messageIn, ([message, context]) => {
      const outcome = decodeNaively([...encodeMessage(message, context)], context, 65535)
      assert.deepEqual(outcome, { kind: 'message', message: plain(structuredClone(message)) })
    }),
    { numRuns: long ? 20_000 : 1000 },
  )
})

test('a stream cut anywhere yields the same messages', () => {
  fc.assert(
    fc.property(fc.array(messageIn, { maxLength: 5 }), fc.nat(), (messages, cut) => {
      const written = messages.map(([message, context]) => encodeMessage(message, context))
      const stream = Uint8Array.from(written.flatMap((bytes) => [...bytes]))
      const until = stream.subarray(0, stream.length === 0 ? 0 : cut % stream.length)
      let at = 0
      for (const bytes of written) {
        const framed = nextFrame(until, at, 65535)
        if (at + bytes.length > until.length) {
          assert.equal(framed.kind, 'needs-more')
          assert.ok(
            framed.kind === 'needs-more' && framed.octets > 0 && until.length + framed.octets <= at + bytes.length,
          )
          break
        }
        assert.ok(framed.kind === 'frame' && framed.length === bytes.length)
        at += framed.length
      }
    }),
    { numRuns: long ? 5000 : 500 },
  )
})
