// IPv6 addresses on the wire and in the kernels: announced over either kind of session, reached by a client behind the
// spine, and never answered by anything but the Service.
import { type Lab, ipv6Of, type LeafName, leafNames, nodes, routers, waitFor } from '../../lab/index.ts'
import { onStage } from '../address-steps.ts'
import {
  type Claim,
  conditionOf,
  create,
  expect,
  getService,
  ingressOf,
  kubectl,
  poolKey,
  remove,
  serviceObject,
  waitForIngress,
} from '../claim.ts'
import { everyNodeAnswers, sendRequests } from '../client.ts'

const { master, worker1, worker2 } = nodes
const spineHops = ['192.168.101.2', '192.168.102.2'].map(ipv6Of)
const speakers = ['master', 'worker2'] as const

/** Waits until the leaves and the spine have the way to an IPv6 address, told by these addresses of master and worker2. */
async function routedBy(lab: Lab, address: string, peers: readonly [string, string]): Promise<void> {
  const wanted = {
    leaf1: [`${master.address6} from ${peers[0]}`, `${worker1.address6} from ${peers[0]}`],
    leaf2: [`${worker2.address6} from ${peers[1]}`],
  }
  for (const leaf of leafNames) {
    let seen = ''
    await waitFor(
      `${leaf} is told of ${address} by its nodes: ${wanted[leaf].join(', ')}`,
      async () => {
        const own = (await lab.bgpPaths(leaf, address)).filter(({ peer }) => !peer.startsWith('192.168.10'))
        seen = own.map(({ nextHop, peer }) => `${nextHop} from ${peer}`).join(', ')
        return seen === wanted[leaf].join(', ')
      },
      { timeoutMs: 15_000, missing: () => `seen ${seen || 'none'}` },
    )
  }
  await hopsBecome(lab, 'leaf1', address, [master.address6, worker1.address6])
  await hopsBecome(lab, 'leaf2', address, [worker2.address6])
  await hopsBecome(lab, 'spine', address, spineHops)
}

async function hopsBecome(
  lab: Lab,
  router: LeafName | 'spine',
  address: string,
  wanted: readonly string[],
): Promise<void> {
  let seen = ''
  await waitFor(
    `the kernel of ${router} has the next hops {${wanted.join()}} for ${address}`,
    async () => {
      seen = (await lab.leafNextHops(router, address)).join()
      return seen === wanted.join()
    },
    { missing: () => `seen {${seen}}` },
  )
}

/** Adds BgpPeers with the leaves' IPv6 addresses while `show` runs: their sessions are apart from those of the samples. */
async function withIpv6Peers<T>(lab: Lab, show: () => Promise<T>): Promise<T> {
  const nameOf = (leaf: LeafName): string => `${leaf}-six`
  try {
    for (const leaf of leafNames) {
      const { ok, said } = await kubectl(lab, ['create', '-f', '-'], {
        apiVersion: 'network.kubesphere.io/v1alpha2',
        kind: 'BgpPeer',
        metadata: { name: nameOf(leaf) },
        spec: {
          conf: { peerAs: routers[leaf].as, neighborAddress: routers[leaf].address6 },
          nodeSelector: { matchLabels: { 'openelb.kubesphere.io/rack': leaf } },
        },
      })
      expect(ok, said)
    }
    return await show()
  } finally {
    await remove(lab, 'bgppeer', ...leafNames.map(nameOf))
  }
}

/** Has the samples' IPv4 sessions carry both families while `show` runs; they are reset before and after it. */
async function withBothFamilies<T>(lab: Lab, show: () => Promise<T>): Promise<T> {
  const family = (afi: string): object => ({
    config: { enabled: true, family: { afi, safi: 'SAFI_UNICAST' } },
    addPaths: { config: { sendMax: 10 } },
  })
  const patch = async (operation: object): Promise<void> => {
    for (const leaf of leafNames) {
      const { ok, said } = await kubectl(lab, [
        'patch',
        'bgppeer',
        leaf,
        '--type=json',
        '-p',
        JSON.stringify([operation]),
      ])
      expect(ok, said)
    }
  }
  const path = '/spec/afiSafis'
  try {
    await patch({ op: 'add', path, value: [family('AFI_IP'), family('AFI_IP6')] })
    return await show()
  } finally {
    await patch({ op: 'remove', path })
    const [echo = ''] = ingressOf(await getService(lab, 'echo'))
    await waitFor(
      'the leaves have echo again',
      async () => {
        const hops = await Promise.all(leafNames.map((leaf) => lab.leafNextHops(leaf, echo)))
        return hops[0]?.join() === [master.address, worker1.address].join() && hops[1]?.join() === worker2.address
      },
      { timeoutMs: 20_000 },
    )
  }
}

async function askedThroughAllNodes(lab: Lab, address: string): Promise<string> {
  await everyNodeAnswers(lab, `[${address}]`)
  const before = await lab.countConnections()
  const { good, byNode, errors } = await sendRequests(lab, `[${address}]`, { count: 100, parallel: 10 })
  const after = await lab.countConnections()
  expect(good === 100, `${good} of 100 requests were answered: ${errors.join('; ')}`)
  const cameIn = (['master', 'worker1', 'worker2'] as const).map((node) => [node, after[node] - before[node]] as const)
  const counts = cameIn.map(([node, count]) => `${node} ${count}`).join(', ')
  expect(
    cameIn.every(([, count]) => count > 0),
    `connections came in at ${counts}`,
  )
  return `100 of 100 requests answered, come in at ${counts}, by pods on ${Object.keys(byNode).length} nodes`
}

/** Waits until the kernels of the nodes with a speaker have a host route to it, or none of them in any table. */
async function hostRoutesAre(lab: Lab, address: string, there: boolean): Promise<void> {
  let seen = ''
  await waitFor(
    `${there ? 'every' : 'no'} node with a speaker has a host route to ${address}`,
    async () => {
      const found = await Promise.all(
        speakers.map(async (node) => (await lab.exec(node, `ip -6 route show table all ${address}`)).stdout.trim()),
      )
      seen = found.map((text, at) => `${speakers[at]}: ${text || 'none'}`).join('; ')
      return found.every((text) => (there ? /blackhole .* proto (196|static) /.test(`${text} `) : text === ''))
    },
    { timeoutMs: 15_000, missing: () => `seen ${seen}` },
  )
}

const families = { ipFamilies: ['IPv6', 'IPv4'], ipFamilyPolicy: 'RequireDualStack' }

export const dualStackRoutes: readonly Claim[] = [
  {
    name: 'BGP-16 X/128 reaches an IPv6 neighbour, and over an IPv4 session that offers both; clients reach it by all nodes',
    run: (lab) => {
      const pools = { wire: { address: '172.23.8.128/28', extraAddresses: ['fd00:8:0:40::/64'] } }
      return onStage(lab, { eips: pools, services: ['wired'] }, async () => {
        const shape = { name: 'wired', annotations: { [poolKey]: 'wire' }, spec: families }
        await create(lab, serviceObject(shape))
        const [address = '', second = ''] = ingressOf(await waitForIngress(lab, 'wired'))
        expect(address.includes(':') && second.includes('.'), `it has ${address}, ${second}`)
        const silent = await waitFor('IPv4 sessions alone are named as what is lacking', async () => {
          const condition = conditionOf(await getService(lab, 'wired'), 'Advertised')
          return /^False FamilyNotNegotiated/.test(condition) ? condition : undefined
        })
        const first = await withIpv6Peers(lab, async () => {
          await routedBy(lab, address, [master.address6, worker2.address6])
          await hostRoutesAre(lab, address, true)
          await waitFor('it is advertised', async () =>
            /^True/.test(conditionOf(await getService(lab, 'wired'), 'Advertised')),
          )
          return askedThroughAllNodes(lab, address)
        })
        await hopsBecome(lab, 'spine', address, [])
        const then = await withBothFamilies(lab, async () => {
          await routedBy(lab, address, [master.address, worker2.address])
          return askedThroughAllNodes(lab, address)
        })
        await remove(lab, 'service', 'wired')
        await hostRoutesAre(lab, address, false)
        return `${silent}; IPv6 sessions: ${first}; IPv4 sessions: ${then}; host routes gone with it`
      })
    },
  },
  {
    name: 'IPv6: a port that is not the Service neither loops nor reaches a daemon on ::; hostAccess: ping, closed port refused',
    run: (lab) => {
      const pools = {
        shut6: { address: 'fd00:8:0:41::/64' },
        open6: { address: 'fd00:8:0:42::/64', hostAccess: true },
      }
      return onStage(lab, { eips: pools, services: ['shut6', 'open6'] }, () =>
        withIpv6Peers(lab, async () => {
          const port = 2226
          const daemon = `${process.execPath} -e "require('http').createServer((q,r)=>r.end('daemon')).listen(${port},'::');setTimeout(()=>process.exit(),60000)"`
          const daemons = speakers.map((node) => lab.exec(node, daemon))
          for (const name of ['shut6', 'open6']) {
            const spec = { ipFamilies: ['IPv6'] }
            await create(lab, serviceObject({ name, annotations: { [poolKey]: name }, spec }))
          }
          const [shut = ''] = ingressOf(await waitForIngress(lab, 'shut6'))
          const [open = ''] = ingressOf(await waitForIngress(lab, 'open6'))
          for (const address of [shut, open]) await hopsBecome(lab, 'leaf2', address, [worker2.address6])
          await waitFor('the daemon answers at the node itself', async () => {
            const { stdout } = await lab.exec('leaf2', `curl -s -m 1 http://[${worker2.address6}]:${port}/`)
            return stdout === 'daemon'
          })
          await hostRoutesAre(lab, shut, true)
          // A packet that loops would end in "time exceeded", which curl reports at once as 7.
          const { status, stdout } = await lab.exec('leaf2', `curl -s -m 1 http://[${shut}]:${port}/`)
          expect(status === 28 && stdout === '', `curl to ${shut} port ${port} ended with ${status} "${stdout}"`)
          let pinged = ''
          await waitFor(
            `${open} answers ping`,
            async () => {
              pinged = (await lab.exec('leaf2', `ping -6 -c 3 -i 0.2 -W 1 ${open}`)).stdout
              return pinged.includes(' 0% packet loss')
            },
            { missing: () => pinged },
          )
          const closed = await lab.exec('leaf2', `curl -s -m 2 http://[${open}]:81/`)
          expect(closed.status === 7, `curl to a closed port ended with ${closed.status}, not refused`)
          void Promise.allSettled(daemons) // they end by themselves after a minute, or with the lab
          return `${shut} port ${port}: no answer, no loop, no daemon; ${open}: ping answered, closed port refused`
        }),
      )
    },
  },
]
