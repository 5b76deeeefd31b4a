// An address stays with its Service: while what it asks for cannot be had, and whatever becomes of pools and other Services.
import { eipAllocations, services } from '../../../src/io/kube/index.ts'
import { waitFor } from '../../lab/index.ts'
import {
  type Observation,
  changeEip,
  changeService,
  createService,
  deleteService,
  observe,
  onStage,
  withoutWebhook,
} from '../address-steps.ts'
import {
  type Claim,
  addressKey,
  defaultKey,
  expect,
  getService,
  ingressOf,
  poolKey,
  samplePool,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'

/** Waits until nothing watched has changed for a second. */
async function waitForQuiet(observation: Observation): Promise<void> {
  let [length, sinceMs] = [-1, 0]
  await waitFor(
    'the Service is left alone',
    () => {
      if (observation.versions.length !== length) [length, sinceMs] = [observation.versions.length, performance.now()]
      return performance.now() - sinceMs > 1000
    },
    { timeoutMs: 20_000 },
  )
}

export const keeping: readonly Claim[] = [
  {
    name: 'IPAM-05 IPAM-17 the webhook down: of a full pool told and served as soon as it can be; a move that cannot be had: kept',
    run: (lab) =>
      onStage(
        lab,
        {
          eips: { one: { address: '172.23.4.64' }, here: { address: '172.23.4.66/31' } },
          services: ['holds-one', 'wants-one', 'stays', 'in-the-way'],
        },
        async () => {
          const annotations = { [poolKey]: 'one' }
          await createService(lab, { name: 'holds-one', annotations })
          await createService(lab, { name: 'stays', annotations: { [addressKey]: '172.23.4.66' } })
          await createService(lab, { name: 'in-the-way', annotations: { [addressKey]: '172.23.4.67' } })
          await waitForIngress(lab, 'holds-one', ['172.23.4.64'])
          await Promise.all([
            waitForIngress(lab, 'stays', ['172.23.4.66']),
            waitForIngress(lab, 'in-the-way', ['172.23.4.67']),
          ])
          return withoutWebhook(lab, async () => {
            await createService(lab, { name: 'wants-one', annotations })
            await changeService(lab, 'stays', { metadata: { annotations: { [addressKey]: '172.23.4.67' } } })
            const full = await waitForCondition(lab, 'wants-one', 'False PoolFull')
            const kept = await waitForCondition(lab, 'stays', 'True KeptAddress')
            expect(/172\.23\.4\.66 is kept.*172\.23\.4\.67/.test(kept), kept)
            expect(ingressOf(await getService(lab, 'stays')).join() === '172.23.4.66', 'it lost its address')
            expect((await lab.leafNextHops('leaf2', '172.23.4.66')).length > 0, 'the address kept is not announced')
            const startMs = performance.now()
            await Promise.all(['holds-one', 'in-the-way'].map((name) => deleteService(lab, name)))
            await waitForIngress(lab, 'wants-one', ['172.23.4.64'], { timeoutMs: 5_000 })
            const tookMs = performance.now() - startMs
            await waitForIngress(lab, 'stays', ['172.23.4.67'], { timeoutMs: 5_000 })
            return `${full}; assigned ${tookMs.toFixed(0)} ms after the delete; ${kept}`
          })
        },
      ),
  },
  {
    name: 'IPAM-14 IPAM-15 a full first pool, others coming and going, priority, default, labels: no Service moves, nothing is written',
    run: (lab) => {
      const namespace = 'steady'
      return onStage(
        lab,
        {
          eips: {
            p1: { address: '172.23.4.68', priority: 1, namespaceSelector: { team: 'steady' } },
            p2: { address: '172.23.4.128/26', priority: 2, namespaceSelector: { team: 'steady' } },
          },
          namespaces: { [namespace]: { team: 'steady' } },
        },
        async () => {
          await createService(lab, { name: 'first', namespace })
          await waitForIngress(lab, 'first', ['172.23.4.68'], { namespace })
          await waitForCondition(lab, 'first', 'False', { type: 'Advertised', namespace })
          const selected = await Promise.all([
            observe(lab, services, { namespace, fieldSelector: 'metadata.name=first' }),
            observe(lab, eipAllocations, { fieldSelector: 'metadata.name=172.23.4.68' }),
          ])
          const [service, record] = selected
          try {
            await waitForQuiet(service)
            const before = service.versions.length + record.versions.length
            const others: string[] = []
            const startMs = performance.now()
            const comeAndGo = async (name: string): Promise<void> => {
              await createService(lab, { name, namespace })
              const [address = ''] = ingressOf(await waitForIngress(lab, name, undefined, { namespace }))
              expect(/^172\.23\.4\.1[2-9]\d$/.test(address), `${name} has ${address}`)
              others.push(address)
              await deleteService(lab, name, namespace)
            }
            const label = (team: string): Promise<unknown> =>
              lab.request('PATCH', `/api/v1/namespaces/${namespace}`, { metadata: { labels: { team } } })
            while (performance.now() - startMs < 3_000) await comeAndGo(`other-${others.length}`)
            await changeEip(lab, 'p2', { spec: { priority: 0 } })
            await comeAndGo('after-priority')
            await changeEip(lab, samplePool, { metadata: { annotations: { [defaultKey]: null } } })
            await changeEip(lab, 'p2', { metadata: { annotations: { [defaultKey]: 'true' } } })
            await comeAndGo('after-default')
            // The namespace is bound to neither pool now; the new default serves it.
            await label('other')
            await comeAndGo('after-label')
            const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
            const writes = service.versions.length + record.versions.length - before
            const last = service.versions.at(-1)?.object.metadata.managedFields
            expect(writes === 0, `${writes} writes of it or its record: ${JSON.stringify(last)}`)
            expect(ingressOf(await getService(lab, 'first', namespace)).join() === '172.23.4.68', 'it moved')
            return `172.23.4.68 kept, 0 writes in ${seconds} s, ${others.length} others came and went`
          } finally {
            for (const each of selected) each.stop()
            await changeEip(lab, 'p2', { metadata: { annotations: { [defaultKey]: null } } })
            await changeEip(lab, samplePool, { metadata: { annotations: { [defaultKey]: 'true' } } })
          }
        },
      )
    },
  },
]
