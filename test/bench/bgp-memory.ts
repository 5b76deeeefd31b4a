// Memory of a prefix in the Adj-RIB-Out of each peer, wanted and sent, beyond the first 100 prefixes: the heap after a
// collection with many against that with 100. Each peer is handed prefixes of its own, as the speaker's calls do.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { parseIp } from '../../src/core/address/index.ts'
import { AdjRibOut, PathInterner, nextUpdates } from '../../src/core/bgp/rib/index.ts'
import { plainOutbound } from './bgp-outbound.ts'
import { type Report, asValue } from './measure.ts'

const peers = 4
const first = 100
const more = 50_000

export function measure(report: Report): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const own = parseIp('10.77.0.1')
  const base = parseIp('10.0.0.0')?.bits
  if (own === undefined || base === undefined) throw new Error('no address')
  const interner = new PathInterner()
  const ribs = Array.from({ length: peers }, () => ({
    rib: new AdjRibOut(interner),
    outbound: plainOutbound(own),
  }))
  const fill = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      for (const { rib } of ribs) {
        const ip = { family: 4 as const, bits: base + BigInt(i) }
        rib.setPaths({ ip, length: 32 }, [{ id: 1, nextHop: 'self', attributes: { med: 5 } }])
      }
    }
    for (const { rib, outbound } of ribs) for (const { bytes } of nextUpdates(rib, outbound)) void bytes
  }
  const heap = (): number => {
    collect()
    collect()
    return process.memoryUsage().heapUsed
  }
  fill(0, first)
  const before = heap()
  fill(first, first + more)
  const after = heap()
  const sent = ribs.reduce((sum, { rib }) => sum + rib.sentCount, 0)
  if (sent !== peers * (first + more)) throw new Error(`${sent} prefixes sent`)
  report(asValue('memory of a prefix and peer', 'bytes', (after - before) / (peers * more), 300))
  return Promise.resolve()
}
