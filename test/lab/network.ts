// The network as namespaces of this machine: made, looked at, removed. Every link lies between two of them.
import { readdirSync } from 'node:fs'

import { inNamespace, readCommand, runCommand } from './command.ts'
import { linksCidr6, networkBatch, nodeNames, podsCidr6, poolCidr, type Role, roleBatch, roles } from './topology.ts'

// rp_filter 2 (loose): with ECMP a packet may come in where its answer would not go out (RFC 3704). Hash policy 3 with
// these fields: ECMP by addresses, protocol and ports, so that one client's connections spread; not policy 1, which takes
// over the hash that the sender's socket gave the packet, so that every router on the way chooses alike. IPv6 addresses
// are used at once instead of after a second; a link that is there already goes by its own setting (below).
const settings: readonly (readonly [string, string])[] = [
  ['net/ipv4/ip_forward', '1'],
  ['net/ipv6/conf/all/forwarding', '1'],
  ['net/ipv4/conf/all/rp_filter', '2'],
  ['net/ipv4/conf/default/rp_filter', '2'],
  ['net/ipv4/fib_multipath_hash_policy', '3'],
  ['net/ipv4/fib_multipath_hash_fields', '55'],
  ['net/ipv6/fib_multipath_hash_policy', '3'],
  ['net/ipv6/fib_multipath_hash_fields', '55'],
  ['net/ipv6/conf/all/accept_dad', '0'],
  ['net/ipv6/conf/default/accept_dad', '0'],
]

export async function createNetwork(prefix: string): Promise<void> {
  await readCommand(['ip', '-batch', '-'], { input: lines(networkBatch(prefix)) })
  await Promise.all(
    roles.map(async (role) => {
      const namespace = prefix + role
      // Routers that hash alike send everything that one chose for the other to the same next hop (ECMP polarization):
      // each has a seed of its own, where the kernel knows it (6.11).
      const seed: readonly [string, string] = ['net/ipv4/fib_multipath_hash_seed', String(roles.indexOf(role) + 1)]
      const set = [...settings, seed].map(
        ([path, value]) => `[ ! -e /proc/sys/${path} ] || echo ${value} > /proc/sys/${path}`,
      )
      set.push('for link in /proc/sys/net/ipv6/conf/*/accept_dad; do [ ! -e $link ] || echo 0 > $link; done')
      await readCommand(inNamespace(namespace, ['sh', '-ec', set.join('\n')]))
      await readCommand(['ip', '-n', namespace, '-batch', '-'], { input: lines(roleBatch(role)) })
    }),
  )
  await Promise.all(nodeNames.map((node) => installCounters(prefix + node)))
}

/** Names of the namespaces that exist and belong to the lab of this prefix, Pods included. */
export function findNamespaces(prefix: string): readonly string[] {
  const isOurs = (name: string): boolean =>
    name.startsWith(prefix) &&
    ((roles as readonly string[]).includes(name.slice(prefix.length)) || /^pod-[\d-]+$/.test(name.slice(prefix.length)))
  try {
    return readdirSync('/run/netns').filter(isOurs)
  } catch {
    return []
  }
}

/** Removes the namespaces with everything in them; kills what still runs in one, which can only be the lab's. */
export async function removeNamespaces(namespaces: readonly string[]): Promise<void> {
  if (namespaces.length === 0) return
  await Promise.all(
    namespaces.map(async (namespace) => {
      const { stdout } = await runCommand(['ip', 'netns', 'pids', namespace])
      for (const pid of stdout.split('\n').filter((line) => line !== '')) {
        try {
          process.kill(Number(pid), 'SIGKILL')
        } catch {
          // It has just ended by itself.
        }
      }
    }),
  )
  await readCommand(['ip', '-force', '-batch', '-'], { input: lines(namespaces.map((name) => `netns delete ${name}`)) })
}

// Counts connections from outside to addresses of the pool, in IPv6 to whatever is not the lab's own: their first
// packets, as they come in, before any NAT.
async function installCounters(namespace: string): Promise<void> {
  const table = `table inet lab {
    counter connections { }
    chain count {
      type filter hook prerouting priority -350; policy accept;
      iifname "eth0" ip daddr ${poolCidr} tcp flags & (syn | ack) == syn counter name connections
      iifname "eth0" ip6 daddr != { ${linksCidr6}, ${podsCidr6} } tcp flags & (syn | ack) == syn counter name connections
    }
  }`
  await readCommand(inNamespace(namespace, ['nft', '-f', '-']), { input: table })
}

export async function readConnections(namespace: string): Promise<number> {
  const text = await readCommand(inNamespace(namespace, ['nft', '-j', 'list', 'counter', 'inet', 'lab', 'connections']))
  const { nftables } = JSON.parse(text) as { nftables: readonly { counter?: { packets: number } }[] }
  return nftables.find(({ counter }) => counter !== undefined)?.counter?.packets ?? 0
}

interface KernelRoute {
  readonly dst: string
  readonly gateway?: string
  readonly nexthops?: readonly { readonly gateway?: string }[]
}

/** Gateways of the kernel's route for exactly this address in a namespace, sorted; empty without such a route. */
export async function readNextHops(namespace: string, address: string): Promise<readonly string[]> {
  const [family, length] = address.includes(':') ? ['-6', 128] : ['-4', 32]
  const text = await readCommand(['ip', '-j', family, '-n', namespace, 'route', 'show', `${address}/${length}`])
  const routes = JSON.parse(text === '' ? '[]' : text) as readonly KernelRoute[]
  return routes
    .flatMap(({ gateway, nexthops = [] }) => [gateway, ...nexthops.map((hop) => hop.gateway)])
    .filter((gateway) => gateway !== undefined)
    .toSorted()
}

export function namespaceOf(prefix: string, role: Role): string {
  return prefix + role
}

function lines(each: readonly string[]): string {
  return `${each.join('\n')}\n`
}
