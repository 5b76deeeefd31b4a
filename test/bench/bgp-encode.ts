// What it costs to bring 100,000 prefixes with equal attributes onto the wire: from "wanted" to packed UPDATEs, CPU time
// of this process, best of several rounds. The baseline writes the very same bytes the naive way, octet by octet.
import assert from 'node:assert/strict'

import { ipToBytes, parseIp } from '../../src/core/address/index.ts'
import type { Prefix } from '../../src/core/address/index.ts'
import type { Path } from '../../src/core/bgp/index.ts'
import { AdjRibOut, type Packed, nextUpdates } from '../../src/core/bgp/rib/index.ts'
import { plainOutbound } from './bgp-outbound.ts'
import { type Report, cpuMs } from './measure.ts'

const count = 100_000
const rounds = 7
const barNs = 1000

export function measure(report: Report): Promise<void> {
  const own = parseIp('10.77.0.1') ?? assert.fail()
  const first = (parseIp('10.0.0.0') ?? assert.fail()).bits
  const prefixes = Array.from({ length: count }, (_, i): Prefix => ({
    ip: { family: 4, bits: first + BigInt(i) },
    length: 32,
  }))
  const paths: readonly Path[] = [{ id: 1, nextHop: 'self', attributes: { med: 5 } }]
  const outbound = plainOutbound(own)
  const rib = new AdjRibOut()
  for (const prefix of prefixes) rib.setPaths(prefix, paths)

  const naive: number[] = []
  const packed: number[] = []
  for (let round = 0; round < rounds; round++) {
    rib.forgetSent()
    const messages: Packed[] = []
    packed.push(1e6 * cpuMs(() => messages.push(...nextUpdates(rib, outbound))))
    let twin: readonly Uint8Array[] = []
    const sizes = messages.map(({ announced }) => announced)
    naive.push(1e6 * cpuMs(() => (twin = packNaively(prefixes, sizes, ipToBytes(own)))))
    const written = Buffer.concat(messages.map(({ bytes }) => bytes))
    assert.ok(written.equals(Buffer.concat(twin)), 'both write the same bytes')
  }
  const value = Math.min(...packed) / count
  const baseline = Math.min(...naive) / count
  report({
    name: 'UPDATEs for 100,000 prefixes, a prefix',
    value,
    unit: 'ns',
    baseline,
    ratio: value / baseline,
    bar: `value <= ${barNs} ns`,
    ok: value <= barNs,
  })
  return Promise.resolve()
}

/** `sizes`: prefixes of each message. */
function packNaively(
  prefixes: readonly Prefix[],
  sizes: readonly number[],
  nextHop: Uint8Array,
): readonly Uint8Array[] {
  const asPath = [0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9]
  const attributes = [0x40, 1, 1, 0, ...asPath, 0x40, 3, 4, ...nextHop, 0x80, 4, 4, 0, 0, 0, 5]
  let at = 0
  return sizes.map((size) => {
    const nlri: number[] = []
    for (const { ip, length } of prefixes.slice(at, at + size)) nlri.push(length, ...ipToBytes(ip))
    at += size
    const length = 19 + 4 + attributes.length + nlri.length
    const marker = Array.from({ length: 16 }, () => 0xff)
    return Uint8Array.from([
      ...marker,
      length >>> 8,
      length & 0xff,
      2,
      0,
      0,
      0,
      attributes.length,
      ...attributes,
      ...nlri,
    ])
  })
}
