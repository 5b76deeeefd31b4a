// Pools in the lab: changed, shrunk, disabled, filled, excluded from, laid over the cluster's own addresses; and that what
// is broken beside them harms nobody.
import { type Lab, waitFor } from '../../lab/index.ts'
import { readRecord } from '../../lab/record.ts'
import { nodes } from '../../lab/topology.ts'
import {
  addressIn,
  changeEip,
  createEip,
  createService,
  onStage,
  refusalOf,
  removeEips,
  warningOf,
  withoutWebhook,
} from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  addressKey,
  conditionOf,
  create,
  eipObject,
  expect,
  getService,
  ingressOf,
  kubectl,
  nodeNextHops,
  poolKey,
  remove,
  waitForCondition,
  waitForFree,
  waitForIngress,
} from '../claim.ts'

interface EipStatus {
  readonly poolSize?: number
  readonly usage?: number
  readonly free?: number
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[]
}

async function statusOf(lab: Lab, eip: string): Promise<EipStatus> {
  const path = `/apis/network.kubesphere.io/v1alpha2/eips/${eip}`
  return ((await lab.request('GET', path)) as { readonly status?: EipStatus }).status ?? {}
}

/** Waits until the Eip counts just so: size, usage, free. */
async function waitForCounts(lab: Lab, eip: string, ...wanted: readonly number[]): Promise<void> {
  let seen = ''
  await waitFor(
    `Eip ${eip} counts ${wanted.join(', ')}`,
    async () => {
      const { poolSize, usage, free } = await statusOf(lab, eip)
      seen = [poolSize, usage, free].join(', ')
      return seen === wanted.join(', ')
    },
    { timeoutMs: 20_000, missing: () => `it counts ${seen}` },
  )
}

const inPool = (name: string, pool: string, spec = {}): Parameters<typeof createService>[1] => ({
  name,
  annotations: { [poolKey]: pool },
  spec,
})

/** Version of the prefix in the leaf's BGP table: another one as soon as it was touched. */
async function routeVersion(lab: Lab, address: string): Promise<unknown> {
  const text = await lab.router('leaf2', [`show bgp ipv4 unicast ${address}/32 json`])
  return (JSON.parse(text) as { readonly version?: number }).version
}

async function waitForRoute(lab: Lab, address: string): Promise<void> {
  await waitFor(`leaf2 has a way to ${address}`, async () => (await nodeNextHops(lab, 'leaf2', address)).length > 0)
}

/** Warnings of creating the Eip. */
async function warningsOf(lab: Lab, name: string, spec: Record<string, unknown>): Promise<readonly string[]> {
  const { ok, said } = await kubectl(lab, ['create', '-f', '-'], eipObject(name, spec))
  expect(ok, `Eip ${name} was refused: ${said}`)
  return said.split('\n').filter((line) => line.startsWith('Warning:'))
}

/** Series of every program of Bellhop, as `program series` to value, counters of the process itself left out. */
async function readSeries(lab: Lab): Promise<ReadonlyMap<string, number>> {
  const programs = Object.values(readRecord(lab.prefix)?.programs ?? {}).filter(
    ({ program }) => program === 'webhook' || program === 'controller' || program === 'speaker',
  )
  expect(programs.length > 0, 'no program of Bellhop runs')
  const found = new Map<string, number>()
  for (const { program, pod = '', metrics = '' } of programs) {
    const text = await lab.read('master', `curl -sf --max-time 5 http://${metrics}/metrics`)
    for (const [, series = '', value] of text.matchAll(/^(bellhop_[^\s]+(?: [^\s{}]+)*?) ([0-9.eE+-]+|NaN)$/gm)) {
      found.set(`${program} ${pod} ${series}`, Number(value))
    }
  }
  return found
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at)

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
  {
    name: 'OPS-04 a broken Service, a broken Eip and two broken peers among good ones: the good ones are served as ever',
    async run(lab) {
      const broken = ['pool-bad-address', 'pool-bad-pool']
      const peer = (name: string, conf: object): object => ({
        ...{ apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'BgpPeer' },
        ...{ metadata: { name }, spec: { conf: { peerAs: 65009, ...conf } } },
      })
      const eips = { 'pool-good': { address: '172.23.3.96/30' } }
      return onStage(lab, { eips, services: ['pool-before', 'pool-after', ...broken] }, async () => {
        const before = addressIn(await createService(lab, inPool('pool-before', 'pool-good')))
        await waitForRoute(lab, before)
        const version = await routeVersion(lab, before)
        const uptimes = async (): Promise<string> =>
          JSON.stringify(Object.entries(await lab.neighbors('leaf1')).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        const sessions = await uptimes()
        try {
          await withoutWebhook(lab, async () => {
            await createService(lab, { name: 'pool-bad-address', annotations: { [addressKey]: '10.0.0.999' } })
            await create(lab, eipObject('pool-overlaps', { address: '172.23.3.96/29' }))
            await createService(lab, inPool('pool-bad-pool', 'pool-overlaps'))
          })
          await create(lab, peer('pool-nobody', { neighborAddress: '192.168.0.99' }))
          const ref = { authPasswordSecretRef: { name: 'pool-missing' } }
          await create(lab, peer('pool-no-secret', { neighborAddress: '192.168.1.99', ...ref }))
          await waitForCondition(lab, 'pool-bad-address', 'False MalformedAddress')
          await waitForCondition(lab, 'pool-bad-pool', 'False PoolOverlap')

          const startMs = performance.now()
          const after = addressIn(await createService(lab, inPool('pool-after', 'pool-good')))
          expect(/^172\.23\.3\.9[6-9]$/.test(after), `pool-after was answered ${after}`)
          await waitForRoute(lab, after)
          const tookMs = performance.now() - startMs
          await waitForCondition(lab, 'pool-after', 'True Advertised', { type: 'Advertised' })
          await waitFor(`${after} answers`, async () => {
            const { status } = await lab.exec('client', `curl -sf --max-time 2 http://${after}/`)
            return status === 0
          })
          expect((await routeVersion(lab, before)) === version, 'the route that was there was touched')
          expect(
            conditionOf(await getService(lab, 'pool-before'), 'EipAssigned').startsWith('True Assigned'),
            'pool-before',
          )
          expect((await uptimes()) === sessions, `sessions were ${sessions}, are ${await uptimes()}`)
          return `${after} at leaf2 after ${tookMs.toFixed(0)} ms, ${before} untouched`
        } finally {
          await remove(lab, 'bgppeer', 'pool-nobody', 'pool-no-secret')
          await remove(lab, 'service', ...broken)
          await removeEips(lab, 'pool-overlaps')
        }
      })
    },
  },
  {
    name: 'OPS-07 metrics: 100 Services came, the gauges of the pool equal its status; gone: the series are those of before',
    async run(lab) {
      const names = numbers(100).map((at) => `pool-many-${at}`)
      const gauges = async (): Promise<string> => {
        const found = [...(await readSeries(lab))].filter(([series]) => /pool_addresses\{.*"pool-many"/.test(series))
        return ['total', 'used', 'free']
          .map((state) => found.find(([series]) => series.includes(`state="${state}"`))?.[1])
          .join(', ')
      }
      const gaugesAre = async (...wanted: readonly number[]): Promise<void> => {
        let seen = ''
        await waitForCounts(lab, 'pool-many', ...wanted)
        await waitFor(
          `the gauges of Eip pool-many are ${wanted.join(', ')}`,
          async () => (seen = await gauges()) === wanted.join(', '),
          { timeoutMs: 20_000, everyMs: 300, missing: () => `they are ${seen}` },
        )
      }
      try {
        // One that came and went has met the paths and outcomes that the hundred will meet.
        await createEip(lab, 'pool-many', { address: '172.23.3.128/25' })
        const first = await createService(lab, inPool('pool-many-0', 'pool-many'))
        await waitForIngress(lab, 'pool-many-0')
        await remove(lab, 'service', 'pool-many-0')
        await waitForFree(lab, addressIn(first))
        await removeEips(lab, 'pool-many')
        const before = await readSeries(lab)
        await createEip(lab, 'pool-many', { address: '172.23.3.128/25' })
        await gaugesAre(128, 0, 128)
        const made: ServiceJson[] = []
        const left = [...names]
        const makeRest = async (): Promise<void> => {
          for (let name = left.pop(); name !== undefined; name = left.pop()) {
            made.push(await createService(lab, inPool(name, 'pool-many')))
          }
        }
        await Promise.all(numbers(10).map(makeRest))
        await gaugesAre(128, 100, 28)
        await waitForIngress(lab, 'pool-many-99')
        const many = await readSeries(lab)
        await remove(lab, 'service', ...names)
        await waitForFree(lab, ...made.map(addressIn))
        await gaugesAre(128, 0, 128)
        await removeEips(lab, 'pool-many')
        const added = await waitForSeries(lab, before, made.map(addressIn))
        return `${before.size} series before, ${many.size} with 100 Services, ${before.size + added} after (${added} of outcomes not seen before)`
      } finally {
        await remove(lab, 'service', ...names)
        await removeEips(lab, 'pool-many')
      }
    },
  },
]

/**
 * Waits until every gauge of before is there and no other, and nothing names what has gone. A counter may have met an
 * outcome for the first time meanwhile (its labels are a closed set). Resolves with the number of such series.
 */
async function waitForSeries(lab: Lab, before: ReadonlyMap<string, number>, gone: readonly string[]): Promise<number> {
  let said = ''
  return waitFor(
    'the series are those of before',
    async () => {
      const after = await readSeries(lab)
      const more = [...after.keys()].filter((series) => !before.has(series))
      const less = [...before.keys()].filter((series) => !after.has(series))
      const wrong = more.filter(
        (series) =>
          !/_(total|bucket|sum|count)[{ ]?/.test(series) ||
          /pool-many/.test(series) ||
          gone.some((address) => series.includes(address)),
      )
      said = `new: ${wrong.join('; ')}; missing: ${less.join('; ')}`
      return wrong.length === 0 && less.length === 0 ? { more: more.length } : undefined
    },
    { timeoutMs: 30_000, everyMs: 500, missing: () => said },
  ).then(({ more }) => more)
}
