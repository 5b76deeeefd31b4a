// Service and record disagree (design §3, the table of nine rows), where no other claim shows the row, and other programs
// that think the same objects are theirs.
import { setTimeout as pause } from 'node:timers/promises'

import { services } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import {
  addressIn,
  createEip,
  createService,
  deleteService,
  observe,
  onStage,
  waitForWebhook,
} from '../address-steps.ts'
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
  poolKey,
  remove,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'

const eipPath = (name: string): string => `/apis/network.kubesphere.io/v1alpha2/eips/${name}`
const leasePath = '/apis/coordination.k8s.io/v1/namespaces/default/leases'

interface RecordJson {
  readonly metadata: { readonly uid: string }
  readonly spec: { readonly services: readonly { readonly name?: string; readonly claim: string }[] }
}

async function waitForRecord(
  lab: Lab,
  address: string,
  what: string,
  holds: (record: RecordJson) => boolean,
): Promise<RecordJson> {
  return waitFor(`EipAllocation ${address} ${what}`, async () => {
    const record = (await getOrUndefined(lab, allocationPath(address))) as RecordJson | undefined
    return record !== undefined && holds(record) ? record : undefined
  })
}

const statusOf = (name: string): string => `/api/v1/namespaces/default/services/${name}/status`
const ingress = (...addresses: readonly string[]): object => ({
  status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
})

export const disagreements: readonly Claim[] = [
  {
    name: 'rows 1, 4, 5 and 7: a record deleted, one with another claim, two for one address, a status emptied: mended',
    run: (lab) =>
      onStage(
        lab,
        { eips: { rows: { address: '172.23.6.48/28' } }, services: ['row1', 'row4', 'row5', 'row7'] },
        async () => {
          const names = ['row1', 'row4', 'row5', 'row7']
          const made: ServiceJson[] = []
          for (const name of names) made.push(await createService(lab, { name, annotations: { [poolKey]: 'rows' } }))
          const [one = '', four = '', five = '', seven = ''] = made.map(addressIn)
          await Promise.all(names.map((name) => waitForIngress(lab, name)))

          // Row 1: the same address is claimed again.
          const before = await waitForRecord(lab, one, 'is there', () => true)
          await lab.request('DELETE', allocationPath(one))
          await waitForRecord(lab, one, 'is made again', ({ metadata }) => metadata.uid !== before.metadata.uid)
          expect(ingressOf(await getService(lab, 'row1')).join() === one, 'row 1: the address changed')

          // Row 4: deleted and made again, asking for the address that it had: taken over, whether it cools or not.
          await deleteService(lab, 'row4')
          await createService(lab, { name: 'row4', annotations: { [poolKey]: 'rows', [addressKey]: four } })
          const again = await waitForIngress(lab, 'row4', [four])
          const claim = again.metadata.annotations?.['bellhop.dev/claim']
          await waitForRecord(lab, four, 'has the claim of the new Service', ({ spec }) =>
            spec.services.every((holder) => holder.claim === claim),
          )

          // Row 5: the older claim keeps it, the other is assigned elsewhere and told so.
          await lab.request('PATCH', statusOf('row5'), ingress(one))
          await lab.request('DELETE', allocationPath(five))
          const elsewhere = await waitFor('row 5: row5 has an address of its own', async () => {
            const [address] = ingressOf(await getService(lab, 'row5'))
            return address !== undefined && address !== one ? address : undefined
          })
          expect(ingressOf(await getService(lab, 'row1')).join() === one, 'row 5: the older one lost its address')

          // Row 7: written.
          await lab.request('PATCH', statusOf('row7'), { status: { loadBalancer: null } })
          await waitForIngress(lab, 'row7', [seven])
          return `${one} claimed again, ${four} taken over, ${five} and ${one} asked: ${elsewhere}, ${seven} written again`
        },
      ),
  },
  {
    name: 'row 6: an Eip in use that vanished with Bellhop down: its address is kept and announced, and the condition says it',
    run: (lab) =>
      onStage(lab, { eips: { vanished: { address: '172.23.6.64/29' } }, services: ['row6'] }, async () => {
        const address = addressIn(await createService(lab, { name: 'row6', annotations: { [poolKey]: 'vanished' } }))
        await waitFor('a route', async () => (await lab.leafNextHops('leaf2', address)).length > 0)
        const programs = [lab.program('webhook'), lab.program('controller')]
        await Promise.all(programs.map((program) => program.stop()))
        try {
          // The policy of the API server goes by the status.
          await lab.request('PATCH', `${eipPath('vanished')}/status`, { status: { usage: 0 } })
          await lab.request('DELETE', eipPath('vanished'))
        } finally {
          await Promise.all(programs.map((program) => program.start()))
        }
        const said = await waitForCondition(lab, 'row6', 'True PoolGone', { timeoutMs: 30_000 })
        expect(said.includes('Eip vanished is gone') && said.includes(address), said)
        expect((await lab.leafNextHops('leaf2', address)).length > 0, `${address} is not announced any more`)
        await createEip(lab, 'vanished', { address: '172.23.6.64/29' })
        await waitForCondition(lab, 'row6', 'True Assigned')
        await waitForWebhook(lab)
        expect(ingressOf(await getService(lab, 'row6')).join() === address, 'the address changed')
        return `${address} throughout; meanwhile "${said}"`
      }),
  },
  {
    name: 'OPS-06 someone else rewrites the status again and again: the condition names him, writes are bounded',
    run: (lab) =>
      onStage(lab, { eips: { contested: { address: '172.23.6.72' } }, services: ['contested'] }, async () => {
        await createService(lab, { name: 'contested', annotations: { [poolKey]: 'contested' } })
        await waitForIngress(lab, 'contested')
        const rival = JSON.stringify(ingress('203.0.113.77'))
        const args = ['patch', 'service', 'contested', '--subresource=status', '--type=merge', '-p', rival]
        const seen = await observe(lab, services, { namespace: 'default', fieldSelector: 'metadata.name=contested' })
        const endMs = performance.now() + 13_000
        let rewrites = 0
        while (performance.now() < endMs) {
          if (ingressOf(await getService(lab, 'contested')).join() !== '203.0.113.77') {
            await kubectl(lab, [...args, '--field-manager=rival-provider'])
            rewrites++
          } else await pause(50)
        }
        seen.stop()
        const said = conditionOf(await getService(lab, 'contested'), 'EipAssigned')
        expect(said.includes('StatusContested') && said.includes('field manager rival-provider'), said)
        const has = seen.versions.map(({ object }) => ingressOf(object as unknown as ServiceJson).join())
        const ours = has.filter((address, at) => address === '172.23.6.72' && has[at - 1] === '203.0.113.77').length
        // Three at once, then after 5 s, 10 s, 20 s …
        expect(ours >= 2 && ours <= 5, `written back ${ours} times in 13 s`)
        return `rewritten ${rewrites} times, written back ${ours} times in 13 s; "${said}"`
      }),
  },
  {
    name: 'OPS-03 finalizers of Porter 0.0.1, 0.3 and OpenELB 0.6: removed; while an OpenELB runs: left alone, said so',
    async run(lab) {
      const lb = 'finalizer.lb.kubesphere.io'
      // By kind, as 0.0.1, 0.3 and 0.6 left them.
      const finalizers = {
        service: [`${lb}/v1apha1`, `${lb}/v1alpha1`, 'node-proxy.openelb.kubesphere.io/finalizer'],
        eip: [`${lb}/v1apha1/worker1`, `${lb}/worker1`, 'finalizer.ipam.kubesphere.io/v1alpha1'],
        bgpconf: [`${lb}/v1alpha1`],
        bgppeer: [`${lb}/v1alpha1`],
      }
      const group = 'network.kubesphere.io/v1alpha2'
      const paths = {
        service: '/api/v1/namespaces/default/services/relic',
        eip: eipPath('relic'),
        bgpconf: `/apis/${group}/bgpconfs/relic`,
        bgppeer: `/apis/${group}/bgppeers/relic`,
      }
      const kinds = ['service', 'eip', 'bgpconf', 'bgppeer'] as const
      type Relic = {
        metadata: { finalizers?: string[] }
        status?: { conditions?: { type: string; message: string }[] }
      }
      const read = async (kind: (typeof kinds)[number]): Promise<Relic | undefined> =>
        (await getOrUndefined(lab, paths[kind])) as Relic | undefined
      const selector = { matchLabels: { 'example.com/nowhere': 'x' } }
      const conf = { neighborAddress: '192.168.0.99', peerAs: 64999 }
      const lease = { metadata: { name: 'openelb-controller' }, spec: { holderIdentity: 'openelb-controller-0' } }
      let renewing = true
      let renewals: Promise<void> | undefined
      try {
        await lab.request('POST', leasePath, lease)
        renewals = (async () => {
          while (renewing) {
            const renewTime = new Date().toISOString().replace('Z', '000Z')
            await lab.request('PATCH', `${leasePath}/openelb-controller`, { spec: { renewTime } }).catch(() => {})
            await pause(1_000)
          }
        })()
        await createService(lab, { name: 'relic' })
        await lab.request('POST', `/apis/${group}/eips`, {
          metadata: { name: 'relic' },
          spec: { address: '172.23.6.80' },
        })
        await lab.request('POST', `/apis/${group}/bgpconfs`, { metadata: { name: 'relic' }, spec: { as: 64999 } })
        const peer = { metadata: { name: 'relic' }, spec: { conf, nodeSelector: selector } }
        await lab.request('POST', `/apis/${group}/bgppeers`, peer)
        for (const kind of kinds)
          await lab.request('PATCH', paths[kind], { metadata: { finalizers: finalizers[kind] } })
        const startMs = performance.now()
        for (const kind of kinds) {
          const said = await waitFor(
            `a condition on the ${kind}`,
            async () => {
              const { status } = (await read(kind)) ?? {}
              return status?.conditions?.find(({ type }) => type.endsWith('SoleProvider'))?.message
            },
            { timeoutMs: 20_000 },
          )
          expect(said.includes('Lease default/openelb-controller'), said)
          const left = (await read(kind))?.metadata.finalizers ?? []
          expect(left.length === finalizers[kind].length, `of the ${kind} were taken: only ${left.join()} are left`)
        }
        const saidMs = performance.now() - startMs
        await waitFor('an event on each', async () => {
          const { out } = await kubectl(lab, [
            'get',
            'events',
            '-A',
            '--field-selector',
            'reason=OtherProvider',
            '-o',
            'json',
          ])
          const about = (JSON.parse(out) as { items: { involvedObject: { kind: string; name: string } }[] }).items
          return (
            new Set(about.filter((one) => one.involvedObject.name === 'relic').map((one) => one.involvedObject.kind))
              .size === 4
          )
        })
        // OpenELB is gone, its Lease is left.
        renewing = false
        const goneMs = performance.now()
        for (const kind of kinds) await lab.request('DELETE', paths[kind])
        for (const kind of kinds) {
          await waitFor(`the ${kind} is deleted`, async () => (await read(kind)) === undefined, { timeoutMs: 60_000 })
        }
        return `said after ${(saidMs / 1000).toFixed(1)} s; deleted ${((performance.now() - goneMs) / 1000).toFixed(1)} s after the last renewal`
      } finally {
        renewing = false
        await renewals
        await lab.request('DELETE', `${leasePath}/openelb-controller`).catch(() => {})
        for (const kind of kinds) {
          if ((await read(kind)) === undefined) continue
          await lab.request('PATCH', paths[kind], { metadata: { finalizers: null } })
          await remove(lab, kind, 'relic')
        }
      }
    },
  },
]
