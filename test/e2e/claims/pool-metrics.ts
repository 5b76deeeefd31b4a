// Metrics of pools: what the programs count is what the Eip says, and no series outlives what it is about.
import { readRecord } from '../../lab/record.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, createEip, createService, deleteService, numbers, removeEips } from '../address-steps.ts'
import { type Claim, type ServiceJson, expect, remove, waitForFree, waitForIngress } from '../claim.ts'
import { inPool, waitForCounts } from '../pool-steps.ts'

/** Series of every program of Bellhop, as `program series` to value, counters of the process itself left out. */
async function readSeries(lab: Lab): Promise<ReadonlyMap<string, number>> {
  const programs = Object.values(readRecord(lab.prefix)?.programs ?? {}).filter(
    ({ program }) => program === 'webhook' || program === 'controller' || program === 'speaker',
  )
  expect(programs.length > 0, 'no program of Bellhop runs')
  const found = new Map<string, number>()
  for (const { program, pod = '', metrics = '' } of programs) {
    const text = await lab.read('master', `curl -sf --max-time 5 http://${metrics}/metrics`)
    for (const [, series = '', value] of text.matchAll(/^(bellhop_[^\s]+(?: [^\s{}]+)*?) ([0-9.eE+-]+|NaN)$/gm)) {
      found.set(`${program} ${pod} ${series}`, Number(value))
    }
  }
  return found
}

/**
 * Waits until every gauge of before is there and no other, and nothing names what has gone. A counter may have met an
 * outcome for the first time meanwhile (its labels are a closed set). Resolves with the number of such series.
 */
async function waitForSeries(lab: Lab, before: ReadonlyMap<string, number>, gone: readonly string[]): Promise<number> {
  let said = ''
  return waitFor(
    'the series are those of before',
    async () => {
      const after = await readSeries(lab)
      const more = [...after.keys()].filter((series) => !before.has(series))
      const less = [...before.keys()].filter((series) => !after.has(series))
      const wrong = more.filter(
        (series) =>
          !/_(total|bucket|sum|count)[{ ]?/.test(series) ||
          /pool-many/.test(series) ||
          gone.some((address) => series.includes(address)),
      )
      said = `new: ${wrong.join('; ')}; missing: ${less.join('; ')}`
      return wrong.length === 0 && less.length === 0 ? { more: more.length } : undefined
    },
    { timeoutMs: 30_000, everyMs: 500, missing: () => said },
  ).then(({ more }) => more)
}

export const poolMetrics: readonly Claim[] = [
  {
    name: 'OPS-07 metrics: 100 Services came, the gauges of the pool equal its status; gone: the series are those of before',
    async run(lab) {
      const names = numbers(100).map((at) => `pool-many-${at}`)
      // kubectl looks each up before and after: a third of a minute for all, be they there or not.
      const there = new Set<string>()
      const removeAll = async (): Promise<void> => {
        const left = [...there]
        const removeRest = async (): Promise<void> => {
          for (let name = left.pop(); name !== undefined; name = left.pop()) await deleteService(lab, name)
        }
        await Promise.all(numbers(10).map(removeRest))
        there.clear()
      }
      const gauges = async (): Promise<string> => {
        const found = [...(await readSeries(lab))].filter(([series]) => /pool_addresses\{.*"pool-many"/.test(series))
        return ['total', 'used', 'free']
          .map((state) => found.find(([series]) => series.includes(`state="${state}"`))?.[1])
          .join(', ')
      }
      const gaugesAre = async (...wanted: readonly number[]): Promise<void> => {
        let seen = ''
        await waitForCounts(lab, 'pool-many', ...wanted)
        await waitFor(
          `the gauges of Eip pool-many are ${wanted.join(', ')}`,
          async () => (seen = await gauges()) === wanted.join(', '),
          { timeoutMs: 20_000, everyMs: 300, missing: () => `they are ${seen}` },
        )
      }
      try {
        // One that came and went has met the paths and outcomes that the hundred will meet.
        await createEip(lab, 'pool-many', { address: '172.23.3.128/25' })
        const first = await createService(lab, inPool('pool-many-0', 'pool-many'))
        await waitForIngress(lab, 'pool-many-0')
        await remove(lab, 'service', 'pool-many-0')
        await waitForFree(lab, addressIn(first))
        await removeEips(lab, 'pool-many')
        const before = await readSeries(lab)
        await createEip(lab, 'pool-many', { address: '172.23.3.128/25' })
        await gaugesAre(128, 0, 128)
        const made: ServiceJson[] = []
        const left = [...names]
        const makeRest = async (): Promise<void> => {
          for (let name = left.pop(); name !== undefined; name = left.pop()) {
            there.add(name)
            made.push(await createService(lab, inPool(name, 'pool-many')))
          }
        }
        await Promise.all(numbers(10).map(makeRest))
        await gaugesAre(128, 100, 28)
        await waitForIngress(lab, 'pool-many-99')
        const many = await readSeries(lab)
        await removeAll()
        await waitForFree(lab, ...made.map(addressIn))
        await gaugesAre(128, 0, 128)
        await removeEips(lab, 'pool-many')
        const added = await waitForSeries(lab, before, made.map(addressIn))
        return `${before.size} series before, ${many.size} with 100 Services, ${before.size + added} after (${added} of outcomes not seen before)`
      } finally {
        await remove(lab, 'service', 'pool-many-0', ...there)
        await removeEips(lab, 'pool-many')
      }
    },
  },
]
