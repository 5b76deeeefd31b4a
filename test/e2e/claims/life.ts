// The life of an address in the lab: its Eip or its Service goes, hangs, or is ours no longer, and comes back.
import { services } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import {
  addressIn,
  changeEip,
  changeService,
  createEip,
  createService,
  deleteService,
  eipPath,
  getEip,
  observe,
  onStage,
} from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  addressKey,
  conditionOf,
  expect,
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
import { force, routeBecomes, servicePath, whileDown } from '../life-steps.ts'

const refusalOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it was not refused',
    (error: unknown) => String(error),
  )

async function eventsOf(lab: Lab, service: string, reason: string): Promise<number> {
  const selector = `involvedObject.name=${service},reason=${reason}`
  const { out } = await kubectl(lab, ['get', 'events', '--field-selector', selector, '-o', 'name'])
  return out.split('\n').filter((line) => line !== '').length
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
]
