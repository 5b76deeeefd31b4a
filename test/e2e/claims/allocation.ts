// Which address, and that it stays: waiting, moving, and what never moves it.
import { listAt, stringAt } from '../../../src/core/model/field.ts'
import { type KubeObject, eipAllocations, services } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import {
  type Observation,
  addressIn,
  changeEip,
  changeService,
  createService,
  deleteService,
  observe,
  onStage,
  refusalOf,
  waitForUsed,
  warningOf,
  withoutWebhook,
} from '../address-steps.ts'
import {
  type Claim,
  addressKey,
  conditionOf,
  expect,
  getService,
  ingressOf,
  poolKey,
  samplePool,
  waitForCondition,
  waitForFree,
  waitForIngress,
} from '../claim.ts'

const defaultKey = 'eip.openelb.kubesphere.io/is-default-eip'

function ingressIn(object: KubeObject): string {
  const entries = listAt(object, 'status', 'loadBalancer', 'ingress')
  return entries.map((entry) => stringAt(entry, 'ip') ?? '').join()
}

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

/** What the leaves' kernels have in the range, asked over and over until `stop`; each answer is a line of addresses. */
function pollRoutes(lab: Lab, range: string): { readonly answers: readonly string[]; stop(): Promise<void> } {
  const answers: string[] = []
  const ending = new AbortController()
  const poll = async (leaf: 'leaf1' | 'leaf2'): Promise<void> => {
    while (!ending.signal.aborted) {
      const text = await lab.read(leaf, `ip -o route show root ${range}`)
      const found = text.split('\n').flatMap((line) => line.trim().split(' ')[0] || [])
      answers.push(`${leaf} ${found.join()}`)
    }
  }
  const polls = [poll('leaf1'), poll('leaf2')]
  return {
    answers,
    async stop() {
      ending.abort()
      await Promise.all(polls)
    },
  }
}

export const allocation: readonly Claim[] = [
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
  {
    name: 'IPAM-16 X → Y: Y obtained, status moved, X withdrawn and freed; an address in every version, a route at every poll',
    run: (lab) =>
      onStage(lab, { eips: { moving: { address: '172.23.4.80/30' } }, services: ['mover'] }, async () => {
        const [x, y] = ['172.23.4.81', '172.23.4.82']
        await createService(lab, { name: 'mover', annotations: { [addressKey]: x } })
        await waitForIngress(lab, 'mover', [x])
        await waitForCondition(lab, 'mover', 'True', { type: 'Advertised' })
        await Promise.all(
          (['leaf1', 'leaf2'] as const).map((leaf) =>
            waitFor(`${leaf} has a route`, async () => (await lab.leafNextHops(leaf, x)).length > 0),
          ),
        )
        const seen = await observe(lab, services, { namespace: 'default', fieldSelector: 'metadata.name=mover' })
        const records = await observe(lab, eipAllocations)
        const routes = pollRoutes(lab, '172.23.4.80/30')
        try {
          await changeService(lab, 'mover', { metadata: { annotations: { [addressKey]: y } } })
          await waitForIngress(lab, 'mover', [y])
          await waitForFree(lab, x)
          await waitForUsed(lab, 'moving', { [y]: 'default/mover' })
          for (const leaf of ['leaf1', 'leaf2'] as const) {
            await waitFor(`${leaf} has a route to ${y} and none to ${x}`, async () => {
              return (await lab.leafNextHops(leaf, y)).length > 0 && (await lab.leafNextHops(leaf, x)).length === 0
            })
          }
        } finally {
          seen.stop()
          records.stop()
          await routes.stop()
        }
        const ingresses = seen.versions.map(({ object }) => ingressIn(object))
        expect(
          ingresses.length > 0 && ingresses.every((ip) => ip === x || ip === y),
          `versions of the status: ${ingresses.join(' | ')}`,
        )
        const without = routes.answers.filter((answer) => !answer.includes(x) && !answer.includes(y))
        expect(without.length === 0, `${without.length} of ${routes.answers.length} polls saw neither route`)
        const at = (name: string, deleted: boolean): number =>
          Number(
            records.versions.find((each) => each.object.metadata.name === name && each.deleted === deleted)?.object
              .metadata.resourceVersion,
          )
        const moved = Number(
          seen.versions.find(({ object }) => ingressIn(object) === y)?.object.metadata.resourceVersion,
        )
        expect(at(y, false) < moved && moved < at(x, true), `order: ${at(y, false)}, ${moved}, ${at(x, true)}`)
        return `${x} → ${y}: record, status, release in this order; ${ingresses.length} versions, ${routes.answers.length} polls, none without`
      }),
  },
  {
    name: 'IPAM-27 only the pool annotation edited: moved to that pool; only loadBalancerIP edited: moved to that address',
    run: (lab) =>
      onStage(
        lab,
        {
          eips: {
            'pool-a': { address: '172.23.4.84/31' },
            'pool-b': { address: '172.23.4.88/30' },
            'pool-ip': { address: '172.23.4.92/30' },
          },
          services: ['by-pool', 'by-ip'],
        },
        async () => {
          const made = await createService(lab, { name: 'by-pool', annotations: { [poolKey]: 'pool-a' } })
          await createService(lab, { name: 'by-ip', spec: { loadBalancerIP: '172.23.4.93' } })
          await waitForIngress(lab, 'by-ip', ['172.23.4.93'])
          await waitForIngress(lab, 'by-pool', [addressIn(made)])
          await changeService(lab, 'by-pool', { metadata: { annotations: { [poolKey]: 'pool-b' } } })
          await changeService(lab, 'by-ip', { spec: { loadBalancerIP: '172.23.4.94' } })
          const moved = await waitFor('by-pool has an address of pool-b', async () => {
            const service = await getService(lab, 'by-pool')
            const [address = ''] = ingressOf(service)
            const says = addressIn(service) === address && service.metadata.labels?.[poolKey] === 'pool-b'
            return /^172\.23\.4\.(88|89|90|91)$/.test(address) && says ? address : undefined
          })
          await waitForIngress(lab, 'by-ip', ['172.23.4.94'])
          await waitFor(
            'its annotation follows',
            async () => addressIn(await getService(lab, 'by-ip')) === '172.23.4.94',
          )
          await waitForFree(lab, addressIn(made), '172.23.4.93')
          // And on the other way: what Bellhop wrote meanwhile is no request.
          await changeService(lab, 'by-pool', { metadata: { annotations: { [poolKey]: 'pool-a' } } })
          const back = await waitFor('by-pool is back in pool-a', async () => {
            const [address = ''] = ingressOf(await getService(lab, 'by-pool'))
            return /^172\.23\.4\.8[45]$/.test(address) ? address : undefined
          })
          return `${addressIn(made)} → ${moved} → ${back}; 172.23.4.93 → 172.23.4.94`
        },
      ),
  },
  {
    name: 'the plain rules of choice: protocol, .0 and .255, disabled, two pools asked, PreferDualStack with one family to be had',
    run: (lab) => {
      const namespace = 'choosing'
      return onStage(
        lab,
        {
          eips: {
            'of-bgp': { address: '172.23.4.96/30', namespaces: [namespace] },
            'of-layer2': { address: '172.23.4.100/30', protocol: 'layer2', interface: 'eth0', namespaces: [namespace] },
            edge: { address: '172.23.4.254-172.23.5.1', avoidBuggyIPs: true },
            closed: { address: '172.23.4.104', disable: true },
            tiny: { address: '172.23.4.105' },
            wide: { address: '172.23.4.112/30' },
          },
          namespaces: { [namespace]: {} },
        },
        async () => {
          const protocolKey = 'protocol.openelb.kubesphere.io/v1alpha1'
          const make = (name: string, annotations: Record<string, string>, spec = {}): Promise<unknown> =>
            createService(lab, { name, namespace, annotations, spec })
          const addressOf = async (name: string): Promise<string> =>
            ingressOf(await waitForIngress(lab, name, undefined, { namespace }))[0] ?? ''

          await make('layer2', { [protocolKey]: 'layer2' })
          await make('bgp', { [protocolKey]: 'bgp' })
          const layer2 = await addressOf('layer2')
          const bgp = await addressOf('bgp')
          expect(/\.10[0-3]$/.test(layer2) && /\.9[6-9]$/.test(bgp), `layer2 has ${layer2}, bgp has ${bgp}`)
          const against = { name: 'against', namespace, annotations: { [protocolKey]: 'layer2', [poolKey]: 'wide' } }
          await refusalOf(lab, against, /protocol layer2, but Eip wide has protocol bgp/)

          for (const name of ['edge-1', 'edge-2']) await make(name, { [poolKey]: 'edge' })
          const edges = [await addressOf('edge-1'), await addressOf('edge-2')].toSorted().join()
          expect(edges === '172.23.4.254,172.23.5.1', `of the pool over .255 and .0 there were handed out ${edges}`)
          await make('edge-3', { [poolKey]: 'edge' })
          await waitForCondition(lab, 'edge-3', 'False PoolFull', { namespace })
          const buggy = { name: 'buggy', namespace, annotations: { [addressKey]: '172.23.4.255' } }
          await refusalOf(lab, buggy, /172\.23\.4\.255 ends in \.0 or \.255/)

          const shape = { name: 'patient', namespace, annotations: { [poolKey]: 'closed' } }
          const warning = await warningOf(lab, shape, /disabled/)
          await waitForCondition(lab, 'patient', 'False PoolDisabled', { namespace })
          await changeEip(lab, 'closed', { spec: { disable: false } })
          await waitForIngress(lab, 'patient', ['172.23.4.104'], { namespace })
          await changeEip(lab, 'closed', { spec: { disable: true } })

          await make('both-1', { [poolKey]: 'tiny,wide' })
          await waitForIngress(lab, 'both-1', ['172.23.4.105'], { namespace })
          await make('both-2', { [poolKey]: 'tiny,wide' })
          const second = await addressOf('both-2')
          expect(/\.11[2-5]$/.test(second), `of "tiny,wide", tiny full, it has ${second}`)
          const [one] = ingressOf(await getService(lab, 'both-1', namespace))
          expect(one === '172.23.4.105', `both-1 has ${one}`)

          const dual = { name: 'dual', namespace, annotations: { [poolKey]: 'wide' } }
          const lacking = await warningOf(lab, { ...dual, spec: { ipFamilyPolicy: 'PreferDualStack' } }, /IPv6/)
          expect(/\.11[2-5]$/.test(await addressOf('dual')), 'no address of the one family')
          expect(
            conditionOf(await getService(lab, 'patient', namespace), 'EipAssigned').startsWith('True'),
            'an address of a pool that was disabled again is not kept',
          )
          return `${layer2}, ${bgp}; ${edges}; ${warning}; ${lacking}`
        },
      )
    },
  },
]
