// The life of an address in the lab: its Eip, its Service or the programs go, and come back.
import { type Lab, waitFor } from '../../lab/index.ts'
import {
  addressIn,
  changeEip,
  changeService,
  createEip,
  createService,
  deleteService,
  getEip,
  observe,
  onStage,
  removeEips,
  waitForWebhook,
} from '../address-steps.ts'
import { eips, services } from '../../../src/io/kube/index.ts'
import {
  type Claim,
  type ServiceJson,
  addressKey,
  allocationPath,
  conditionOf,
  expect,
  getOrUndefined,
  getService,
  ingressOf,
  kubectl,
  optIn,
  poolKey,
  remove,
  samplePool,
  waitForCondition,
  waitForFree,
  waitForIngress,
} from '../claim.ts'

const force = { metadata: { annotations: { 'bellhop.dev/force-delete': 'true' } } }
const eipPath = (name: string): string => `/apis/network.kubesphere.io/v1alpha2/eips/${name}`
const servicePath = (name: string): string => `/api/v1/namespaces/default/services/${name}`

const refusalOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it was not refused',
    (error: unknown) => String(error),
  )

async function routeBecomes(lab: Lab, address: string, there: boolean, timeoutMs = 10_000): Promise<void> {
  await waitFor(
    `leaf2 has ${there ? 'a' : 'no'} route to ${address}`,
    async () => (await lab.leafNextHops('leaf2', address)).length > 0 === there,
    { timeoutMs },
  )
}

/** Every replica of both programs that stand behind the API server is down meanwhile. */
async function whileDown<T>(
  lab: Lab,
  programs: readonly ('webhook' | 'controller')[],
  show: () => Promise<T>,
): Promise<T> {
  const stopped = programs.map((name) => lab.program(name))
  await Promise.all(stopped.map((program) => program.stop('SIGKILL')))
  try {
    return await show()
  } finally {
    await Promise.all(stopped.map((program) => program.start()))
    if (programs.includes('webhook')) await waitForWebhook(lab)
    await waitForReplicas(lab, ...programs)
  }
}

async function waitForReplicas(lab: Lab, ...programs: readonly string[]): Promise<void> {
  const runs = lab.pods().filter((run) => programs.includes(run.programName() ?? ''))
  await waitFor(`every replica of ${programs.join(' and ')} is ready`, () => runs.every((run) => run.isReady()), {
    timeoutMs: 30_000,
  })
}

async function recordsOf(lab: Lab, eip: string): Promise<readonly string[]> {
  const { out } = await kubectl(lab, ['get', 'eipa', '-l', `bellhop.dev/eip=${eip}`, '-o', 'name'])
  return out.split('\n').filter((line) => line !== '')
}

async function eventsOf(lab: Lab, service: string, reason: string): Promise<number> {
  const selector = `involvedObject.name=${service},reason=${reason}`
  const { out } = await kubectl(lab, ['get', 'events', '--field-selector', selector, '-o', 'name'])
  return out.split('\n').filter((line) => line !== '').length
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

export const life: readonly Claim[] = [
  {
    name: 'POOL-15 an Eip in use is not deleted, Bellhop running or stopped; forced: withdrawn, said, and given back',
    run: (lab) =>
      onStage(lab, { eips: { pawn: { address: '172.23.6.0/28' } }, services: ['p1', 'p2'] }, async () => {
        const made = [
          await createService(lab, { name: 'p1', annotations: { [poolKey]: 'pawn' } }),
          await createService(lab, { name: 'p2', annotations: { [poolKey]: 'pawn' } }),
        ]
        const addresses = made.map(addressIn)
        for (const address of addresses) await routeBecomes(lab, address, true)
        await waitFor('usage 2', async () => (await getEip(lab, 'pawn')).status?.usage === 2)
        const running = await refusalOf(lab.request('DELETE', eipPath('pawn')))
        const stopped = await whileDown(lab, ['webhook', 'controller'], () =>
          refusalOf(lab.request('DELETE', eipPath('pawn'))),
        )
        for (const said of [running, stopped]) {
          expect(/Eip pawn has 2 of its addresses in use.*delete their Services.*force-delete=true/.test(said), said)
        }
        await changeEip(lab, 'pawn', force)
        const startMs = performance.now()
        await lab.request('DELETE', eipPath('pawn'))
        await Promise.all(addresses.map((address) => routeBecomes(lab, address, false)))
        const withdrawnMs = performance.now() - startMs
        for (const name of ['p1', 'p2']) {
          const said = await waitForCondition(lab, name, 'False PoolForceDeleted')
          expect(said.includes('Eip pawn was force-deleted') && said.includes('create an Eip'), said)
          expect(ingressOf(await getService(lab, name)).length === 0, `${name} still has an address in its status`)
          await waitFor(`the event of ${name}`, async () => (await eventsOf(lab, name, 'PoolForceDeleted')) === 1)
        }
        await createEip(lab, 'pawn', { address: '172.23.6.0/28' })
        await Promise.all([
          waitForIngress(lab, 'p1', addresses.slice(0, 1)),
          waitForIngress(lab, 'p2', addresses.slice(1)),
          ...addresses.map((address) => routeBecomes(lab, address, true)),
        ])
        return `withdrawn ${withdrawnMs.toFixed(0)} ms after the delete; ${addresses.join(' and ')} came back; "${stopped.replace(/^.*denied request: /, '')}"`
      }),
  },
  {
    name: 'a Service being deleted that hangs on a finalizer of others: withdrawn, and its address free for another',
    run: (lab) =>
      onStage(lab, { eips: { hanging: { address: '172.23.6.16' } }, services: ['hangs', 'heir'] }, async () => {
        const finalizers = ['example.com/hang']
        await createService(lab, { name: 'hangs', annotations: { [poolKey]: 'hanging' } })
        try {
          await routeBecomes(lab, '172.23.6.16', true)
          await changeService(lab, 'hangs', { metadata: { finalizers } })
          await createService(lab, { name: 'heir', annotations: { [addressKey]: '172.23.6.16' } })
          const bothHave = await observe(lab, services, { namespace: 'default' })
          await deleteService(lab, 'hangs')
          await waitForIngress(lab, 'heir', ['172.23.6.16'])
          bothHave.stop()
          const hangs = await getService(lab, 'hangs')
          expect(ingressOf(hangs).length === 0, `the one that hangs still has ${ingressOf(hangs).join()}`)
          const having = new Set<string>()
          for (const { object } of bothHave.versions) {
            const name = object.metadata.name ?? ''
            if (ingressOf(object as unknown as ServiceJson).includes('172.23.6.16')) having.add(name)
            else having.delete(name)
            expect(having.size <= 1, `both had the address at once: ${[...having].join(', ')}`)
          }
          await routeBecomes(lab, '172.23.6.16', true)
          return 'the heir has 172.23.6.16 while the object still hangs; no moment with two'
        } finally {
          await changeService(lab, 'hangs', { metadata: { finalizers: null } })
        }
      }),
  },
  {
    name: 'IPAM-02 default Eip without adopt: no opt-in, untouched; adopt: true set: adopted, but for those of others',
    async run(lab) {
      const bare = (name: string): Promise<unknown> =>
        lab.request('POST', servicePath(''), {
          metadata: { name },
          spec: { type: 'LoadBalancer', selector: { app: 'echo' }, ports: [{ port: 80 }] },
        })
      const theirs = { status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } }
      try {
        await bare('plain')
        await bare('cloudy')
        await lab.request('PATCH', `${servicePath('cloudy')}/status`, theirs)
        // Made later and served: so the two were seen before.
        await createService(lab, { name: 'ours' })
        await waitForIngress(lab, 'ours')
        const before = await getService(lab, 'plain')
        expect(before.metadata.annotations === undefined && ingressOf(before).length === 0, 'it was not left alone')
        await changeEip(lab, samplePool, { spec: { adopt: true } })
        const adopted = ingressOf(await waitForIngress(lab, 'plain'))[0] ?? ''
        await routeBecomes(lab, adopted, true)
        const cloudy = await getService(lab, 'cloudy')
        expect(ingressOf(cloudy).join() === '203.0.113.9', `the other provider's has ${ingressOf(cloudy).join()}`)
        expect(cloudy.metadata.annotations === undefined, "the other provider's was annotated")
        return `untouched; then ${adopted}; 203.0.113.9 stays`
      } finally {
        await changeEip(lab, samplePool, { spec: { adopt: null } })
        await remove(lab, 'service', 'plain', 'cloudy', 'ours')
      }
    },
  },
  {
    name: 'IPAM-18 opt-in annotation removed, others left / the only one: released, both',
    run: (lab) =>
      onStage(lab, { eips: { leaving: { address: '172.23.6.32/29' } }, services: ['some', 'none'] }, async () => {
        const made = [
          await createService(lab, { name: 'some', annotations: { [poolKey]: 'leaving', 'example.com/mine': 'x' } }),
          await createService(lab, { name: 'none', annotations: { [poolKey]: 'leaving' } }),
        ]
        const addresses = made.map(addressIn)
        for (const address of addresses) await routeBecomes(lab, address, true)
        const optInKey = Object.keys(optIn)[0] ?? ''
        await Promise.all([
          changeService(lab, 'some', { metadata: { annotations: { [optInKey]: null } } }),
          changeService(lab, 'none', { metadata: { annotations: null } }),
        ])
        await waitForFree(lab, ...addresses)
        for (const [at, name] of ['some', 'none'].entries()) {
          const service = await waitFor(`${name} has no label`, async () => {
            const now = await getService(lab, name)
            return now.metadata.labels?.[poolKey] === undefined ? now : undefined
          })
          expect(ingressOf(service).length === 0, `${name} still has ${ingressOf(service).join()}`)
          expect(conditionOf(service, 'EipAssigned') === 'none', `${name} still has our condition`)
          await routeBecomes(lab, addresses[at] ?? '', false)
        }
        const { annotations } = (await getService(lab, 'some')).metadata
        expect(annotations?.['example.com/mine'] === 'x', 'the annotation of the user is gone')
        return `${addresses.join(' and ')} released`
      }),
  },
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
