// Many Services at once: an address of its own for each, few writes to the API server, and nothing left of them.
import { services } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { type Observation, addressIn, getEip, observe } from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  conditionOf,
  expect,
  ingressOf,
  kubectl,
  remove,
  samplePool,
  serviceObject,
} from '../claim.ts'
import { countWrites, writesBetween } from '../api-writes.ts'

/** Each time that a verdict on announcements was followed by another one, of any Service; `atFirst` by its name. */
function turnsOfAdvertised({ versions }: Observation, atFirst: ReadonlyMap<string, string>): readonly string[] {
  const last = new Map(atFirst)
  const turns: string[] = []
  for (const { object } of versions) {
    const service = object as unknown as ServiceJson
    const { name } = service.metadata
    const verdict = conditionOf(service, 'Advertised')
    if (verdict === 'none') continue
    const before = last.get(name)
    last.set(name, verdict)
    if (before !== undefined && before !== verdict) turns.push(`${name}: ${before} → ${verdict}`)
  }
  return turns
}

async function verdicts(lab: Lab): Promise<ReadonlyMap<string, string>> {
  const listed = await lab.api.list(services)
  expect(listed.ok, 'Services cannot be listed')
  const all = listed.value.items as unknown as readonly ServiceJson[]
  const known = all.filter((service) => conditionOf(service, 'Advertised') !== 'none')
  return new Map(known.map((service) => [service.metadata.name, conditionOf(service, 'Advertised')]))
}

async function onlySamplesHold(lab: Lab): Promise<void> {
  await waitFor(
    'only the two samples hold addresses',
    async () => (await kubectl(lab, ['get', 'eipa', '-o', 'name'])).out.trim().split('\n').length === 2,
    { timeoutMs: 90_000, everyMs: 300 },
  )
}

export const manyServices: readonly Claim[] = [
  {
    name: 'OPS-02 200 Services at once, two webhooks: 200 distinct addresses, at most 4 API writes each over their life',
    async run(lab) {
      const names = Array.from({ length: 200 }, (_, each) => `many-${each}`)
      await onlySamplesHold(lab) // what earlier claims left to do is not counted here
      const before = await countWrites(lab)
      const atFirst = await verdicts(lab)
      const seen = await observe(lab, services)
      const startMs = performance.now()
      // Two clients at once, so that both replicas of the webhook answer.
      const halves = [names.slice(0, 100), names.slice(100)].map(async (half) => {
        const list = { apiVersion: 'v1', kind: 'List', items: half.map((name) => serviceObject({ name })) }
        const { ok, out, said } = await kubectl(lab, ['create', '-o', 'json', '-f', '-'], list, 120_000)
        expect(ok, said)
        return JSON.parse(`[${out.replaceAll(/^\}\n\{/gm, '},{')}]`) as ServiceJson[]
      })
      try {
        const made = (await Promise.all(halves)).flat()
        const distinct = new Set(made.map(addressIn))
        expect(distinct.size === 200 && !distinct.has(''), `${distinct.size} distinct addresses`)
        const list = async (): Promise<readonly ServiceJson[]> => {
          const { items } = JSON.parse((await kubectl(lab, ['get', 'services', '-o', 'json'])).out) as {
            items: ServiceJson[]
          }
          return items.filter(({ metadata }) => metadata.name.startsWith('many-'))
        }
        await waitFor(
          'all have their ingress and are advertised',
          async () => {
            const many = await list()
            return many.every(
              (service) =>
                ingressOf(service)[0] === addressIn(service) && conditionOf(service, 'Advertised').startsWith('True'),
            )
          },
          { timeoutMs: 60_000, everyMs: 500 },
        )
        const tookMs = performance.now() - startMs
        await remove(lab, 'service', ...names)
        await onlySamplesHold(lab)
        const after = await countWrites(lab)
        // Where a speaker or an endpoint was away for a while, that is told: a write more, of which few are borne with.
        const turns = turnsOfAdvertised(seen, atFirst)
        const writes = (after.done - before.done - 2 * names.length - turns.length) / names.length
        const told = `${turns.length} verdicts turned: ${turns.join('; ')}`
        expect(writes <= 4, `${writes.toFixed(2)} writes a Service: ${writesBetween(before, after)}; ${told}`)
        expect(turns.length <= names.length / 50, told)
        const refused = `${after.refused - before.refused} refused`
        return `200 in ${(tookMs / 1000).toFixed(1)} s, ${writes.toFixed(2)} writes a Service, ${refused}`
      } finally {
        seen.stop()
        await remove(lab, 'service', ...names)
      }
    },
  },
  {
    name: 'all addresses of the 200 are free again, nothing is left',
    async run(lab) {
      const startMs = performance.now()
      await onlySamplesHold(lab)
      await waitFor('usage of the pool is 2', async () => (await getEip(lab, samplePool)).status?.usage === 2)
      return `after ${((performance.now() - startMs) / 1000).toFixed(1)} s`
    },
  },
]
