// Pools in the lab: changed, shrunk, disabled, filled, excluded from, laid over the cluster's own addresses.
import { nodes } from '../../lab/topology.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import {
  addressIn,
  changeEip,
  createService,
  numbers,
  onStage,
  refusalOf,
  removeEips,
  warningOf,
  withoutWebhook,
} from '../address-steps.ts'
import {
  type Claim,
  addressKey,
  eipObject,
  expect,
  getService,
  ingressOf,
  kubectl,
  remove,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'
import { inPool, routeVersion, statusOf, waitForCounts, waitForRoute } from '../pool-steps.ts'

/** Warnings of creating the Eip. */
async function warningsOf(lab: Lab, name: string, spec: Record<string, unknown>): Promise<readonly string[]> {
  const { ok, said } = await kubectl(lab, ['create', '-f', '-'], eipObject(name, spec))
  expect(ok, `Eip ${name} was refused: ${said}`)
  return said.split('\n').filter((line) => line.startsWith('Warning:'))
}

export const pools: readonly Claim[] = [
  {
    name: 'POOL-06 POOL-07 an Eip in use made larger: its size follows; made to miss the address: refused; with the webhook down: kept, announced, condition',
    run: (lab) =>
      onStage(lab, { eips: { 'pool-grows': { address: '172.23.3.64/29' } }, services: ['pool-user'] }, async () => {
        const address = '172.23.3.65'
        const resize = (range: string): Promise<void> => changeEip(lab, 'pool-grows', { spec: { address: range } })
        await createService(lab, { name: 'pool-user', annotations: { [addressKey]: address } })
        await waitForIngress(lab, 'pool-user', [address])
        await waitForRoute(lab, address)
        await waitForCounts(lab, 'pool-grows', 8, 1, 7)
        await resize('172.23.3.64/28')
        await waitForCounts(lab, 'pool-grows', 16, 1, 15)

        const version = await routeVersion(lab, address)
        const without = '172.23.3.72-172.23.3.79'
        const refused = await resize(without).then(() => 'accepted', String)
        expect(/would no longer cover 172\.23\.3\.65, in use; keep them covered/.test(refused), refused)
        await withoutWebhook(lab, () => resize(without))
        await waitForCondition(lab, 'pool-user', 'True PoolGone: Eip pool-grows no longer covers 172.23.3.65')
        const covers = await waitFor('the Eip says that it strands the address', async () =>
          (await statusOf(lab, 'pool-grows')).conditions?.find(({ type }) => type === 'CoversUsed'),
        )
        expect(covers.status === 'False' && covers.message.includes(address), JSON.stringify(covers))
        expect(ingressOf(await getService(lab, 'pool-user')).join() === address, 'the address was not kept')
        expect((await routeVersion(lab, address)) === version, 'its route was touched')
        await resize('172.23.3.64/28')
        await waitForCondition(lab, 'pool-user', 'True Assigned')
        return `8, 16; ${covers.message}`
      }),
  },
  {
    name: 'POOL-08 disable: true accepted; a new Service waits, warned of it; an existing one keeps its address and its routes',
    run: (lab) => {
      const stage = { eips: { 'pool-shut': { address: '172.23.3.80/30' } }, services: ['pool-old', 'pool-new'] }
      return onStage(lab, stage, async () => {
        const address = addressIn(await createService(lab, inPool('pool-old', 'pool-shut')))
        await waitForIngress(lab, 'pool-old', [address])
        await waitForRoute(lab, address)
        const version = await routeVersion(lab, address)
        await changeEip(lab, 'pool-shut', { spec: { disable: true } })
        await waitFor('the Eip says that it is disabled', async () =>
          (await statusOf(lab, 'pool-shut')).conditions?.some(({ message }) => /is disabled/.test(message)),
        )
        const warning = await warningOf(
          lab,
          inPool('pool-new', 'pool-shut'),
          /Eip pool-shut is disabled; set spec\.disable/,
        )
        await waitForCondition(lab, 'pool-new', 'False PoolDisabled')
        expect(ingressOf(await getService(lab, 'pool-old')).join() === address, 'the old one lost its address')
        expect((await routeVersion(lab, address)) === version, 'its route was touched')
        return warning
      })
    },
  },
  {
    name: 'POOL-13 kubectl get eip: NAME CIDR USAGE TOTAL FREE AGE, right after each of four Services that fill the pool, and as they go',
    run: (lab) => {
      const services = numbers(4).map((at) => `pool-fills-${at}`)
      return onStage(lab, { eips: { 'pool-fills': { address: '172.23.3.84/30' } }, services }, async () => {
        const rows: string[] = []
        const prints = async (usage: number): Promise<void> => {
          let out = ''
          const row = new RegExp(
            String.raw`^NAME +CIDR +USAGE +TOTAL +FREE +AGE\npool-fills +172\.23\.3\.84/30 +${usage} +4 +${4 - usage} +\S+\s*$`,
          )
          await waitFor(
            `kubectl get eip prints usage ${usage} of 4`,
            async () => row.test((out = (await kubectl(lab, ['get', 'eip', 'pool-fills'])).out)),
            { timeoutMs: 20_000, everyMs: 200, missing: () => out },
          )
          rows.push(`${usage}/4`)
        }
        await prints(0)
        for (const [at, name] of services.entries()) {
          await createService(lab, inPool(name, 'pool-fills'))
          await prints(at + 1)
        }
        await remove(lab, 'service', ...services.slice(1))
        await prints(1)
        return rows.join(', ')
      })
    },
  },
  {
    name: 'POOL-14 excludes never handed out, a second range and an IPv6 range handed out to the last address, totals right',
    run: (lab) => {
      const v4 = numbers(5).map((at) => `pool-four-${at}`)
      const v6 = numbers(4).map((at) => `pool-six-${at}`)
      const spec = {
        address: '172.23.3.88/30',
        extraAddresses: ['172.23.3.94-172.23.3.95', 'fd00:172:23:3::/126'],
        excludes: ['172.23.3.89'],
      }
      const services = [...v4, ...v6, 'pool-five']
      return onStage(lab, { eips: { 'pool-mixed': spec }, services }, async () => {
        await waitForCounts(lab, 'pool-mixed', 9, 0, 9)
        const family = (name: string): object =>
          v6.includes(name) ? { ipFamilies: ['IPv6'] } : { ipFamilies: ['IPv4'] }
        const made = await Promise.all(
          [...v4, ...v6].map((name) => createService(lab, inPool(name, 'pool-mixed', family(name)))),
        )
        const got = made.map(addressIn).toSorted()
        const wanted = [
          ...['88', '90', '91', '94', '95'].map((end) => `172.23.3.${end}`),
          ...numbers(4).map((end) => `fd00:172:23:3::${end === 0 ? '' : end}`),
        ]
        expect(got.join() === wanted.toSorted().join(), `handed out: ${got.join(', ')}`)
        await Promise.all(made.map((service) => waitForIngress(lab, service.metadata.name, [addressIn(service)])))
        await waitForCounts(lab, 'pool-mixed', 9, 9, 0)
        await warningOf(lab, inPool('pool-five', 'pool-mixed', { ipFamilies: ['IPv4'] }), /no free IPv4 address/)
        const excluded = { name: 'pool-asks', annotations: { [addressKey]: '172.23.3.89' } }
        await refusalOf(lab, excluded, /172\.23\.3\.89 is excluded from Eip pool-mixed \(spec\.excludes\); ask for/)
        return `${got.length} of 9: ${got.join(', ')}`
      })
    },
  },
  {
    name: 'POOL-16 an Eip over node addresses, the Service range, pod ranges: created with warnings; such an address refused, never handed out',
    async run(lab) {
      const names = ['pool-over-nodes', 'pool-over-services', 'pool-over-pods']
      const services = ['pool-first', 'pool-second', 'pool-third']
      try {
        const overNodes = await warningsOf(lab, 'pool-over-nodes', { address: '192.168.0.2-192.168.0.5' })
        const what = (pattern: RegExp): boolean => overNodes.some((line) => pattern.test(line))
        expect(what(/192\.168\.0\.3, an address of Node master.*spec\.excludes/), overNodes.join('\n'))
        expect(what(/192\.168\.0\.4, an address of Node worker1/), overNodes.join('\n'))
        expect(what(/192\.168\.0\.2, the neighbour of BgpPeer leaf1/), overNodes.join('\n'))
        const overServices = await warningsOf(lab, 'pool-over-services', { address: '10.96.200.0/30' })
        expect(/10\.96\.0\.0-10\.96\.255\.255.*Service range/.test(overServices.join()), overServices.join('\n'))
        const pods = nodes.worker1.podCidr
        const overPods = await warningsOf(lab, 'pool-over-pods', { address: pods.replace('.0/24', '.240/30') })
        expect(/covers addresses of pods/.test(overPods.join()), overPods.join('\n'))
        await Promise.all(
          names.map((name) => waitFor(`status of ${name}`, async () => 'poolSize' in (await statusOf(lab, name)))),
        )

        for (const [address, sentence] of [
          ['192.168.0.3', /192\.168\.0\.3 is an address of .*; ask for another/],
          ['192.168.0.2', /192\.168\.0\.2 is the neighbour of BgpPeer leaf1; ask for another/],
          ['10.96.200.1', /10\.96\.200\.1 is an address of the Service range of the cluster; ask for another/],
        ] as const) {
          await refusalOf(lab, { name: 'pool-asks', annotations: { [addressKey]: address } }, sentence)
        }
        const first = await createService(lab, inPool('pool-first', 'pool-over-nodes'))
        expect(addressIn(first) === '192.168.0.5', `${addressIn(first)} was handed out`)
        await warningOf(lab, inPool('pool-second', 'pool-over-nodes'), /no free IPv4 address/)
        await warningOf(lab, inPool('pool-third', 'pool-over-services'), /no free IPv4 address/)
        await waitForCondition(lab, 'pool-second', 'False PoolFull')
        await waitForCondition(lab, 'pool-third', 'False PoolFull')
        const host = eipObject('pool-host', { address: '192.168.1.2-192.168.1.9', hostAccess: true })
        const opened = await kubectl(lab, ['create', '--dry-run=server', '-f', '-'], host)
        expect(!opened.ok && /on a link of the nodes.*remove spec\.hostAccess/.test(opened.said), opened.said)
        return `${overNodes.length} + ${overServices.length} + ${overPods.length} warnings, 3 refused, 192.168.0.5 handed out`
      } finally {
        await remove(lab, 'service', ...services)
        await removeEips(lab, ...names)
      }
    },
  },
]
