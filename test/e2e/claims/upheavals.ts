// Upheavals in the life of addresses: fifty Services and their Eip deleted at once, both programs restarted, a Service gone
// by force while no controller runs. Nothing is stuck, and who is not meant notices nothing.
import { eips, services } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import {
  addressIn,
  changeEip,
  createEip,
  createService,
  deleteService,
  eipPath,
  getEip,
  observe,
  onStage,
  removeEips,
} from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  allocationPath,
  conditionOf,
  expect,
  getOrUndefined,
  getService,
  ingressOf,
  kubectl,
  poolKey,
  remove,
  waitForIngress,
} from '../claim.ts'
import { force, routeBecomes, servicePath, whileDown } from '../life-steps.ts'

async function recordsOf(lab: Lab, eip: string): Promise<readonly string[]> {
  const { out } = await kubectl(lab, ['get', 'eipa', '-l', `bellhop.dev/eip=${eip}`, '-o', 'name'])
  return out.split('\n').filter((line) => line !== '')
}

/** Reads them all at once, seldom: fifty waits side by side would slow down what they wait for. */
async function waitForEach(
  lab: Lab,
  names: readonly string[],
  what: string,
  holds: (service: ServiceJson) => boolean,
): Promise<void> {
  let lacking: readonly string[] = []
  await waitFor(
    `each of ${names.length} Services has ${what}`,
    async () => {
      const { items } = (await lab.request('GET', servicePath('').slice(0, -1))) as { items: ServiceJson[] }
      const byName = new Map(items.map((service) => [service.metadata.name, service]))
      lacking = names.filter((name) => {
        const service = byName.get(name)
        return service === undefined || !holds(service)
      })
      return lacking.length === 0
    },
    { timeoutMs: 30_000, everyMs: 250, missing: () => `${lacking.length} have not: ${lacking.slice(0, 3).join(', ')}` },
  )
}

/** The same many Services, each with an address of the Eip. */
async function createMany(lab: Lab, prefix: string, count: number, eip: string): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, at) => `${prefix}${at}`)
  for (let at = 0; at < count; at += 10) {
    const some = names.slice(at, at + 10)
    await Promise.all(some.map((name) => createService(lab, { name, annotations: { [poolKey]: eip } })))
  }
  await waitForEach(lab, names, 'an address in its status', (service) => ingressOf(service).length > 0)
  return names
}

export const upheavals: readonly Claim[] = [
  {
    name: 'IPAM-20 50 Services and their Eip deleted at once, Eip first and Services first: nothing left, nothing stuck',
    async run(lab) {
      const times: string[] = []
      for (const first of ['eip', 'services'] as const) {
        await createEip(lab, 'flood', { address: '172.23.7.0/26' })
        let names: readonly string[] = []
        try {
          names = await createMany(lab, 'flood-', 50, 'flood')
          const startMs = performance.now()
          const dropServices = (): Promise<unknown> => Promise.all(names.map((name) => deleteService(lab, name)))
          if (first === 'eip') {
            await changeEip(lab, 'flood', force)
            await Promise.all([lab.request('DELETE', eipPath('flood')), dropServices()])
          } else await Promise.all([dropServices(), removeEips(lab, 'flood')])
          await waitFor(
            'neither Eip nor Service nor EipAllocation is left',
            async () => {
              const eip = await getOrUndefined(lab, eipPath('flood'))
              return eip === undefined && (await recordsOf(lab, 'flood')).length === 0
            },
            { timeoutMs: 20_000, everyMs: 200 },
          )
          const { out } = await kubectl(lab, ['get', 'service', '-o', 'name'])
          expect(!out.includes('flood-'), `left: ${out}`)
          times.push(`${first} first: gone after ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
        } finally {
          await remove(lab, 'service', ...names)
          await removeEips(lab, 'flood')
        }
      }
      return times.join('; ')
    },
  },
  {
    name: 'IPAM-26 50 Services, both programs restarted one replica at a time: no address changes, nothing is written',
    run: (lab) => {
      const names = Array.from({ length: 50 }, (_, at) => `kept-${at}`)
      return onStage(lab, { eips: { steady: { address: '172.23.7.64/26' } }, services: names }, async () => {
        await createMany(lab, 'kept-', 50, 'steady')
        await waitForEach(lab, names, 'been advertised', (one) => conditionOf(one, 'Advertised').startsWith('True'))
        await waitFor('usage 50', async () => (await getEip(lab, 'steady')).status?.usage === 50)
        const [seenServices, seenEips] = [
          await observe(lab, services, { namespace: 'default' }),
          await observe(lab, eips),
        ]
        const startMs = performance.now()
        const runs = lab.pods().filter((run) => ['webhook', 'controller'].includes(run.programName() ?? ''))
        for (const run of runs) {
          await run.hold('SIGTERM')
          run.resume()
          await waitFor(`${run.pod.name} is ready again`, () => run.isReady(), { timeoutMs: 30_000 })
        }
        // A new one is served, so there is a leader, and it has looked at everything.
        await createService(lab, { name: 'kept-after', annotations: { [poolKey]: 'steady' } })
        await waitForIngress(lab, 'kept-after', undefined, { timeoutMs: 20_000 })
        const tookMs = performance.now() - startMs
        await deleteService(lab, 'kept-after')
        seenServices.stop()
        seenEips.stop()
        const written = seenServices.versions.filter(({ object }) => names.includes(object.metadata.name ?? ''))
        expect(
          written.length === 0,
          `${written.length} writes to the Services: ${written[0]?.object.metadata.name ?? ''}`,
        )
        const others = seenEips.versions.filter(({ object }) => object.metadata.name !== 'steady')
        expect(others.length === 0, `Eip ${others[0]?.object.metadata.name ?? ''} was written`)
        return `${runs.length} replicas restarted in ${(tookMs / 1000).toFixed(1)} s, 50 Services not written once`
      })
    },
  },
  {
    name: 'IPAM-21 a Service force-deleted with the controller down is released afterwards, others of the pool unaffected',
    run: (lab) =>
      onStage(lab, { eips: { orphans: { address: '172.23.6.40/29' } }, services: ['stays'] }, async () => {
        const [gone, stays] = [
          await createService(lab, { name: 'gone', annotations: { [poolKey]: 'orphans' } }),
          await createService(lab, { name: 'stays', annotations: { [poolKey]: 'orphans' } }),
        ].map(addressIn) as [string, string]
        await routeBecomes(lab, gone, true)
        await routeBecomes(lab, stays, true)
        const seen = await observe(lab, services, { namespace: 'default', fieldSelector: 'metadata.name=stays' })
        await whileDown(lab, ['controller'], async () => {
          await kubectl(lab, ['delete', 'service', 'gone', '--force', '--grace-period=0', '--wait=false'])
          await routeBecomes(lab, gone, false)
        })
        const startMs = performance.now()
        // To a leader that has just begun it may be a claim whose Service is on its way: 60 s.
        await waitFor(
          `EipAllocation ${gone} is gone`,
          async () => (await getOrUndefined(lab, allocationPath(gone))) === undefined,
          { timeoutMs: 90_000, everyMs: 500 },
        )
        const tookMs = performance.now() - startMs
        seen.stop()
        expect(ingressOf(await getService(lab, 'stays')).join() === stays, 'the other has lost its address')
        await routeBecomes(lab, stays, true)
        const changed = seen.versions.filter(
          ({ object }) => ingressOf(object as unknown as ServiceJson).join() !== stays,
        )
        expect(changed.length === 0, 'the address of the other changed meanwhile')
        return `${gone} withdrawn by the speakers alone, released ${(tookMs / 1000).toFixed(0)} s after the controller was back; ${stays} throughout`
      }),
  },
]
