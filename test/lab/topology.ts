// The network as values: who is where, and the `ip` commands that make it. Nothing here has an effect.
//
//                         client 192.168.100.2
//                            │
//                         spine (AS 50003)
//              192.168.101.0/30   192.168.102.0/30
//                  │                     │
//               leaf1 (AS 50001)      leaf2 (AS 50002)
//             192.168.0.2           192.168.1.1
//              ┌───┴────┐                │
//   master 192.168.0.3  worker1 .0.4    worker2 192.168.1.2        (AS 50000)
//
// Both families: whoever has the IPv4 address a.b.c.d also has fd00:a:b:c::d, and wherever there is a route there are two
// (`ipv6Of`, `ipv6NetworkOf`). The master is 192.168.0.3 and fd00:192:168::3.
//
// The routers know each other's links, the nodes' networks and the Pods' networks by static routes, so that the cluster
// does not wait for BGP; by BGP they learn addresses of Services, and nothing else.

import { formatIp, parseIp } from '../../src/core/address/index.ts'

export const nodeNames = ['master', 'worker1', 'worker2'] as const
export const leafNames = ['leaf1', 'leaf2'] as const
export const routerNames = ['spine', ...leafNames] as const
export const roles = ['client', ...routerNames, ...nodeNames] as const

export type NodeName = (typeof nodeNames)[number]
export type LeafName = (typeof leafNames)[number]
export type RouterName = (typeof routerNames)[number]
export type Role = (typeof roles)[number]

export interface LabNode {
  readonly name: NodeName
  readonly address: string
  readonly address6: string
  readonly leaf: LeafName
  /** Pods of this node; the first address is the node's own side of every Pod's link. */
  readonly podCidr: string
  readonly podCidr6: string
  readonly podGateway: string
  readonly podGateway6: string
}

export interface LabRouter {
  readonly name: RouterName
  readonly as: number
  /** Also its address towards the nodes or the client. */
  readonly routerId: string
  readonly address6: string
}

export const poolCidr = '172.22.0.0/24'
export const serviceCidr = '10.96.0.0/16'
/** An API server takes no range larger than a /108. */
export const serviceCidr6 = 'fd00:10:96::/112'
export const podsCidr = '10.244.0.0/16'
export const podsCidr6 = 'fd00:10:244::/48'
/** Every link of the lab. */
export const linksCidr6 = 'fd00:192:168::/48'
/** The Service `default/kubernetes`: the first address of the Service range. */
export const kubernetesServiceAddress = '10.96.0.1'
export const apiServerAddress = '192.168.0.3'
export const apiServerPort = 6443
export const clusterAs = 50000
/** Port on which the nodes listen for BGP: OpenELB's guides take this one, since 179 may be another's. */
export const nodeBgpPort = 17900

export const nodes: Readonly<Record<NodeName, LabNode>> = {
  master: node('master', '192.168.0.3', 'leaf1', 0),
  worker1: node('worker1', '192.168.0.4', 'leaf1', 1),
  worker2: node('worker2', '192.168.1.2', 'leaf2', 2),
}

export const routers: Readonly<Record<RouterName, LabRouter>> = {
  spine: router('spine', 50003, '192.168.100.1'),
  leaf1: router('leaf1', 50001, '192.168.0.2'),
  leaf2: router('leaf2', 50002, '192.168.1.1'),
}

/** Addresses of each role on the lab's links, the one that names it first, IPv6 behind all of IPv4. */
export const addresses: Readonly<Record<Role, readonly string[]>> = {
  client: withIpv6('192.168.100.2'),
  spine: withIpv6('192.168.100.1', '192.168.101.1', '192.168.102.1'),
  leaf1: withIpv6('192.168.0.2', '192.168.101.2'),
  leaf2: withIpv6('192.168.1.1', '192.168.102.2'),
  master: withIpv6(nodes.master.address),
  worker1: withIpv6(nodes.worker1.address),
  worker2: withIpv6(nodes.worker2.address),
}

/** The IPv6 address of whoever has this IPv4 address: a.b.c.d is fd00:a:b:c::d. */
export function ipv6Of(address: string): string {
  const [a, b, c, d] = address.split('.')
  const ip = parseIp(`fd00:${a}:${b}:${c}::${d}`)
  if (ip === undefined) throw new Error(`${address} is no IPv4 address`)
  return formatIp(ip)
}

/** The /64 of an IPv4 network of the lab: a.b.c.d/N is fd00:a:b:c::/64. */
export function ipv6NetworkOf(cidr: string): string {
  const [address = ''] = cidr.split('/')
  return `${ipv6Of(address.replace(/\d+$/, '0'))}/64`
}

/** Two ends of a cable: role and interface name. */
interface Cable {
  readonly ends: readonly [readonly [Role, string], readonly [Role, string]]
}

const cables: readonly Cable[] = [
  cable('client', 'eth0', 'spine', 'client'),
  cable('spine', 'leaf1', 'leaf1', 'spine'),
  cable('spine', 'leaf2', 'leaf2', 'spine'),
  ...Object.values(nodes).map(({ name, leaf }) => cable(name, 'eth0', leaf, name)),
]

/** Lines for one `ip -batch`: every namespace and every cable between them; nothing appears outside them. */
export function networkBatch(prefix: string): readonly string[] {
  const added = roles.map((role) => `netns add ${prefix}${role}`)
  const links = cables.map(({ ends: [[a, aName], [b, bName]] }) => {
    return `link add ${aName} netns ${prefix}${a} type veth peer name ${bName} netns ${prefix}${b}`
  })
  return [...added, ...links]
}

/** Lines for `ip -batch` within the namespace of a role: links up, addresses, routes. */
export function roleBatch(role: Role): readonly string[] {
  const lines = ['link set lo up']
  switch (role) {
    case 'client':
      lines.push(...upWith('eth0', '192.168.100.2/24'), ...routeVia('default', '192.168.100.1'))
      break
    case 'spine':
      lines.push(
        ...upWith('client', '192.168.100.1/24'),
        ...upWith('leaf1', '192.168.101.1/30'),
        ...upWith('leaf2', '192.168.102.1/30'),
        ...routeVia('192.168.0.0/24', '192.168.101.2'),
        ...routeVia('192.168.1.0/24', '192.168.102.2'),
        ...Object.values(nodes).flatMap(({ leaf, podCidr }) =>
          routeVia(podCidr, leaf === 'leaf1' ? '192.168.101.2' : '192.168.102.2'),
        ),
      )
      break
    case 'leaf1':
    case 'leaf2':
      lines.push(...leafLines(role))
      break
    case 'master':
    case 'worker1':
    case 'worker2':
      lines.push(
        ...upWith('eth0', `${nodes[role].address}/24`),
        ...routeVia('default', routers[nodes[role].leaf].routerId),
        // Nodes of one leaf reach each other's Pods directly; the rest goes by the leaf.
        ...Object.values(nodes)
          .filter(({ name, leaf }) => name !== role && leaf === nodes[role].leaf)
          .flatMap(({ podCidr, address }) => routeVia(podCidr, address)),
      )
      break
  }
  return lines
}

function leafLines(leaf: LeafName): readonly string[] {
  const mine = Object.values(nodes).filter((each) => each.leaf === leaf)
  const [own, spine] = leaf === 'leaf1' ? ['192.168.101.2', '192.168.101.1'] : ['192.168.102.2', '192.168.102.1']
  return [
    'link add rack type bridge',
    ...mine.flatMap(({ name }) => [`link set dev ${name} master rack`, `link set dev ${name} up`]),
    ...upWith('rack', `${routers[leaf].routerId}/24`),
    ...upWith('spine', `${own}/30`),
    ...routeVia('default', spine),
    ...mine.flatMap(({ podCidr, address }) => routeVia(podCidr, address)),
  ]
}

// Both families. `nodad`: the address is used at once instead of after a second.
function upWith(link: string, cidr: string): readonly string[] {
  const [address = ''] = cidr.split('/')
  return [
    `address add ${cidr} dev ${link}`,
    `address add ${ipv6Of(address)}/64 dev ${link} nodad`,
    `link set dev ${link} up`,
  ]
}

/** One route in each family, given as IPv4 has it. */
function routeVia(cidr: string, via: string): readonly string[] {
  const cidr6 = cidr === 'default' ? 'default' : ipv6NetworkOf(cidr)
  return [`route add ${cidr} via ${via}`, `route add ${cidr6} via ${ipv6Of(via)}`]
}

function withIpv6(...each: readonly string[]): readonly string[] {
  return [...each, ...each.map(ipv6Of)]
}

function cable(a: Role, aName: string, b: Role, bName: string): Cable {
  return {
    ends: [
      [a, aName],
      [b, bName],
    ],
  }
}

function node(name: NodeName, address: string, leaf: LeafName, number: number): LabNode {
  const podCidr = `10.244.${number}.0/24`
  const podGateway = `10.244.${number}.1`
  return {
    ...{ name, leaf, address, address6: ipv6Of(address) },
    ...{ podCidr, podCidr6: ipv6NetworkOf(podCidr), podGateway, podGateway6: ipv6Of(podGateway) },
  }
}

function router(name: RouterName, as: number, routerId: string): LabRouter {
  return { name, as, routerId, address6: ipv6Of(routerId) }
}
