// The pure allocator: a pool of 65,536 addresses filled to the last one, each address chosen and noted as taken.
// Baseline: the same addresses noted as taken without being chosen, so what is compared is the choice.
import assert from 'node:assert/strict'
import { type Ip, formatIp, parseIp } from '../../src/core/address/index.ts'
import { type Pools, TakenIndex } from '../../src/core/ipam/index.ts'
import { type Allocation, readAllocation, readEip } from '../../src/core/model/index.ts'
import { type Report, asRatio, asValue, cpuMs, quantile } from './measure.ts'

const size = 65_536
/** So many in a row are timed as one: a single choice is too short for the clock. */
const batch = 64
const ends = 32

export function measure(report: Report): Promise<void> {
  const eip = readEip({ metadata: { name: 'large' }, spec: { address: '10.64.0.0/16' } })
  const pools: Pools = {
    eips: new Map([[eip.name, eip]]),
    namespaces: new Map(),
    primaryFamily: 4,
    reserved: () => undefined,
    reservedRange: () => undefined,
    reservations: () => [],
  }
  const records = recordsOfAll()
  const noting = new TakenIndex()
  const notedMs = cpuMs(() => [...records.values()].forEach((record) => noting.put(record)))

  const taken = new TakenIndex()
  const batchesMs: number[] = []
  let at = 0
  const fillBatch = (): void => {
    for (let one = 0; one < batch; one++) {
      // Another place to begin each time, as the programs do, so that replicas rarely collide.
      at = (at + 0.618_033_988_7) % 1
      const [address] = taken.freeIn(eip, 4, pools, at)
      taken.put(records.get(formatIp(address ?? fail())) ?? fail())
    }
  }
  for (let done = 0; done < size; done += batch) batchesMs.push(cpuMs(fillBatch))
  assert.equal(taken.size, size)
  assert.deepEqual([...taken.freeIn(eip, 4, pools, 0.5)], [], 'the pool is full')
  const filledMs = batchesMs.reduce((sum, ms) => sum + ms, 0)
  report(
    asValue(`a pool of ${size} addresses filled`, 'ms', filledMs, 1000),
    {
      ...asRatio('the same against noting alone', 'ms', filledMs, notedMs, 10),
      name: 'choosing and noting, against noting alone',
    },
    asRatio(
      'the last addresses of a pool, against the first',
      'ms',
      quantile(batchesMs.slice(-ends), 0.5),
      quantile(batchesMs.slice(0, ends), 0.5),
      3,
    ),
  )
  return Promise.resolve()
}

function recordsOfAll(): ReadonlyMap<string, Allocation> {
  const first = parseIp('10.64.0.0') ?? fail()
  const records = Array.from({ length: size }, (_, each): readonly [string, Allocation] => {
    const ip: Ip = { family: 4, bits: first.bits + BigInt(each) }
    const name = formatIp(ip)
    const services = [{ namespace: 'bench', name: `one-${each}`, claim: `claim-${each}` }]
    const record = readAllocation({ metadata: { name }, spec: { address: name, eip: 'large', services } })
    return [name, record ?? fail()]
  })
  return new Map(records)
}

function fail(): never {
  throw new Error('the pool has fewer addresses than it should')
}
