// A Service moves to another address because its user asks for that: reached all the time, and the old one free afterwards.
import { listAt, stringAt } from '../../../src/core/model/field.ts'
import { type KubeObject, eipAllocations, services } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, changeService, createService, observe, onStage, waitForUsed } from '../address-steps.ts'
import {
  type Claim,
  addressKey,
  expect,
  getService,
  ingressOf,
  poolKey,
  waitForCondition,
  waitForFree,
  waitForIngress,
} from '../claim.ts'

function ingressIn(object: KubeObject): string {
  const entries = listAt(object, 'status', 'loadBalancer', 'ingress')
  return entries.map((entry) => stringAt(entry, 'ip') ?? '').join()
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

export const moving: readonly Claim[] = [
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
]
