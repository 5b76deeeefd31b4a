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
  eipPath,
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
    name: 'rows 1, 4 and 7: a record deleted, one with another claim, a status emptied: mended',
    run: (lab) =>
      onStage(lab, { eips: { rows: { address: '172.23.6.48/28' } }, services: ['row1', 'row4', 'row7'] }, async () => {
        const names = ['row1', 'row4', 'row7']
        const made: ServiceJson[] = []
        for (const name of names) made.push(await createService(lab, { name, annotations: { [poolKey]: 'rows' } }))
        const [one = '', four = '', seven = ''] = made.map(addressIn)
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

        // Row 7: written.
        await lab.request('PATCH', statusOf('row7'), { status: { loadBalancer: null } })
        await waitForIngress(lab, 'row7', [seven])
        return `${one} claimed again, ${four} taken over, ${seven} written again`
      }),
  },
  {
    name: 'rows 5 and 6, come about with Bellhop down: the older claim keeps an address; that of an Eip that vanished is kept',
    run: (lab) => {
      const own = { vanished: { address: '172.23.6.64/29' }, rows: { address: '172.23.6.56/29' } }
      const names = ['row6', 'older', 'newer']
      return onStage(lab, { eips: own, services: names }, async () => {
        const made: ServiceJson[] = []
        for (const name of names) {
          const annotations = { [poolKey]: name === 'row6' ? 'vanished' : 'rows' }
          made.push(await createService(lab, { name, annotations }))
        }
        const [address = '', older = '', newer = ''] = made.map(addressIn)
        await Promise.all(names.map((name) => waitForIngress(lab, name)))
        await waitFor('a route', async () => (await lab.leafNextHops('leaf2', address)).length > 0)
        const programs = [lab.program('webhook'), lab.program('controller')]
        await Promise.all(programs.map((program) => program.stop()))
        try {
          // The policy of the API server goes by the status.
          await lab.request('PATCH', `${eipPath('vanished')}/status`, { status: { usage: 0 } })
          await lab.request('DELETE', eipPath('vanished'))
          await lab.request('DELETE', allocationPath(newer))
          await lab.request('PATCH', statusOf('newer'), ingress(older))
        } finally {
          await Promise.all(programs.map((program) => program.start()))
        }
        const said = await waitForCondition(lab, 'row6', 'True PoolGone', { timeoutMs: 30_000 })
        expect(said.includes('Eip vanished is gone') && said.includes(address), said)
        expect((await lab.leafNextHops('leaf2', address)).length > 0, `${address} is not announced any more`)
        const elsewhere = await waitFor('newer has an address of its own', async () => {
          const [has] = ingressOf(await getService(lab, 'newer'))
          return has !== undefined && has !== older ? has : undefined
        })
        expect(ingressOf(await getService(lab, 'older')).join() === older, 'the older one lost its address')
        await waitFor('the event LostAddress', async () => {
          const selector = 'involvedObject.name=newer,reason=LostAddress'
          return (await kubectl(lab, ['get', 'events', '--field-selector', selector, '-o', 'name'])).out !== ''
        })
        await createEip(lab, 'vanished', { address: '172.23.6.64/29' })
        await waitForCondition(lab, 'row6', 'True Assigned')
        await waitForWebhook(lab)
        expect(ingressOf(await getService(lab, 'row6')).join() === address, 'the address changed')
        return `${older} stays with the older one, the newer one has ${elsewhere}; ${address} throughout, "${said}"`
      })
    },
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
        // The API server takes no name with two slashes any more, as 0.0.1 had them for each node.
        eip: [`${lb}/worker1`, 'finalizer.ipam.kubesphere.io/v1alpha1'],
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
      const lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'openelb-controller' },
        spec: { holderIdentity: 'openelb-controller-0' },
      }
      const ended = new AbortController()
      let renewals: Promise<void> | undefined
      try {
        await lab.request('POST', leasePath, lease)
        renewals = (async () => {
          while (!ended.signal.aborted) {
            const renewTime = new Date().toISOString().replace('Z', '000Z')
            await lab.request('PATCH', `${leasePath}/openelb-controller`, { spec: { renewTime } }).catch(() => {})
            await pause(1_000)
          }
        })()
        await createService(lab, { name: 'relic' })
        const specs = {
          Eip: { address: '172.23.6.80' },
          BgpConf: { as: 64999 },
          BgpPeer: { conf, nodeSelector: selector },
        }
        for (const [kind, spec] of Object.entries(specs)) {
          const object = { apiVersion: group, kind, metadata: { name: 'relic' }, spec }
          await lab.request('POST', `/apis/${group}/${kind.toLowerCase()}s`, object)
        }
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
        ended.abort()
        const goneMs = performance.now()
        for (const kind of kinds) await lab.request('DELETE', paths[kind])
        for (const kind of kinds) {
          await waitFor(`the ${kind} is deleted`, async () => (await read(kind)) === undefined, { timeoutMs: 60_000 })
        }
        return `said after ${(saidMs / 1000).toFixed(1)} s; deleted ${((performance.now() - goneMs) / 1000).toFixed(1)} s after the last renewal`
      } finally {
        ended.abort()
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
