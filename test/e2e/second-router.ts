// One more router in the rack of leaf1: FRR in a namespace of its own on the nodes' link, for claims that need two.
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { removeNamespaces } from '../lab/network.ts'
import { type Lab, inNamespace, nodes, readCommand, waitFor } from '../lab/index.ts'
import { getOrUndefined } from './claim.ts'
import { objectPath } from './route-steps.ts'

export interface SecondRouter {
  /** Lines of its configuration, from `router bgp` on. */
  configure(...lines: readonly string[]): Promise<void>
  /** `NEXTHOP by NEIGHBOR` of each way that it knows to an address, in order. */
  waysTo(address: string): Promise<string>
}

const address = '192.168.0.9'
const as = 50009
const daemons = '/usr/lib/frr'

interface WaysJson {
  readonly paths?: readonly {
    readonly nexthops: readonly { readonly ip: string }[]
    readonly peer: { readonly peerId: string }
  }[]
}

/** Runs `show` while the router runs and BgpPeer `second` names it, for the nodes that `nodeSelector` says. */
export async function withSecondRouter<T>(
  lab: Lab,
  nodeSelector: object,
  show: (router: SecondRouter) => Promise<T>,
): Promise<T> {
  // Named as Pods' are: the lab takes it down whatever becomes of us.
  const namespace = `${lab.prefix}pod-99-1`
  const directories = ['/var/run/frr', '/etc/frr'].map((each) => join(each, namespace))
  const vtysh = (...commands: readonly string[]): Promise<string> =>
    readCommand(['vtysh', '-N', namespace, ...commands.flatMap((command) => ['-c', command])])
  const router: SecondRouter = {
    configure: async (...lines) => void (await vtysh('configure terminal', `router bgp ${as}`, ...lines)),
    async waysTo(to) {
      const { paths = [] } = JSON.parse(await vtysh(`show bgp ipv4 unicast ${to}/32 json`)) as WaysJson
      return paths
        .map(({ nexthops, peer }) => `${nexthops.map(({ ip }) => ip).join('+')} by ${peer.peerId}`)
        .toSorted()
        .join(', ')
    },
  }
  try {
    await link(lab, namespace)
    await start(namespace, directories)
    await lab.request('POST', '/apis/network.kubesphere.io/v1alpha2/bgppeers', {
      apiVersion: 'network.kubesphere.io/v1alpha2',
      kind: 'BgpPeer',
      metadata: { name: 'second' },
      spec: { conf: { peerAs: as, neighborAddress: address }, nodeSelector },
    })
    return await show(router)
  } finally {
    const path = objectPath('bgppeers', 'second')
    if ((await getOrUndefined(lab, path)) !== undefined) await lab.request('DELETE', path)
    await removeNamespaces([namespace])
    for (const each of directories) rmSync(each, { recursive: true, force: true })
  }
}

async function link(lab: Lab, namespace: string): Promise<void> {
  const commands = [
    `netns add ${namespace}`,
    // One hardware address for all of them: the nodes remember it for a while.
    `link add eth0 netns ${namespace} address 02:00:c0:a8:00:09 type veth peer name second netns ${lab.namespace('leaf1')}`,
    `-n ${lab.namespace('leaf1')} link set dev second master rack up`,
    `-n ${namespace} link set lo up`,
    `-n ${namespace} address add ${address}/24 dev eth0`,
    `-n ${namespace} link set eth0 up`,
  ]
  for (const each of commands) await readCommand(['ip', ...each.split(' ')])
}

async function start(namespace: string, [run = '', etc = '']: readonly string[]): Promise<void> {
  const neighbors = [nodes.master.address, nodes.worker1.address]
  const configuration = [
    `router bgp ${as}`,
    ` bgp router-id ${address}`,
    ' no bgp ebgp-requires-policy',
    ...neighbors.flatMap((each) => [
      ` neighbor ${each} remote-as 50000`,
      ` neighbor ${each} passive`,
      ` neighbor ${each} advertisement-interval 0`,
    ]),
    '',
  ].join('\n')
  // The daemons give up root for the user frr.
  const [owner = 0, group = 0] = await Promise.all(
    ['-u', '-g'].map(async (which) => Number((await readCommand(['id', which, 'frr'])).trim())),
  )
  for (const directory of [run, etc]) {
    mkdirSync(directory, { recursive: true })
    chownSync(directory, owner, group)
  }
  for (const [file, text] of [
    ['zebra.conf', ''],
    ['bgpd.conf', configuration],
    ['vtysh.conf', ''],
  ] as const) {
    writeFileSync(join(etc, file), text)
    chownSync(join(etc, file), owner, group)
  }
  for (const [daemon, socket] of [
    ['zebra', 'zserv.api'],
    ['bgpd', 'bgpd.vty'],
  ] as const) {
    const argv = [`${daemons}/${daemon}`, '-d', '-N', namespace, '-f', join(etc, `${daemon}.conf`)]
    await readCommand(inNamespace(namespace, argv))
    await waitFor(`${daemon} of the second router`, () => existsSync(join(run, socket)), { timeoutMs: 30_000 })
  }
}
