// A Pod's own network: a namespace, a link to its node, one address a family, everything else by the node. No bridge, so that all
// traffic of Pods passes the node's routing and kube-proxy's rules.
import { readCommand } from './command.ts'
import { removeNamespaces } from './network.ts'
import { ipv6Of, type NodeName, nodes } from './topology.ts'

export interface PodNetwork {
  readonly namespace: string
  readonly address: string
  readonly address6: string
}

export interface PodNetworks {
  create(node: NodeName): Promise<PodNetwork>
  remove(network: PodNetwork): Promise<void>
}

export function openPodNetworks(prefix: string): PodNetworks {
  const taken = new Set<string>()
  let last = 1

  /** Addresses are not used again at once: who still holds on to an old one should fail, not reach another. */
  function takeAddress(node: NodeName): string {
    const base = nodes[node].podCidr.replace(/0\/24$/, '')
    for (let tries = 0; tries < 253; tries++) {
      last = last >= 254 ? 2 : last + 1
      const address = base + last
      if (taken.has(address)) continue
      taken.add(address)
      return address
    }
    throw new Error(`no address is free for another Pod on ${node}`)
  }

  return {
    async create(node) {
      const address = takeAddress(node)
      const namespace = `${prefix}pod-${address.replaceAll('.', '-')}`
      const link = `pod${address.split('.').at(-1)}`
      const address6 = ipv6Of(address)
      const { podGateway, podGateway6 } = nodes[node]
      const batch = (args: readonly string[], lines: readonly string[]): Promise<string> =>
        readCommand(['ip', ...args, '-batch', '-'], { input: `${lines.join('\n')}\n` })
      await batch(
        [],
        [
          `netns add ${namespace}`,
          `link add eth0 netns ${namespace} type veth peer name ${link} netns ${prefix}${node}`,
        ],
      )
      await batch(
        ['-n', prefix + node],
        [
          `address add ${podGateway}/32 dev ${link}`,
          `address add ${podGateway6}/128 dev ${link} nodad`,
          `link set dev ${link} up`,
          `route add ${address}/32 dev ${link}`,
          `route add ${address6}/128 dev ${link}`,
        ],
      )
      await batch(
        ['-n', namespace],
        [
          'link set lo up',
          `address add ${address}/32 dev eth0`,
          `address add ${address6}/128 dev eth0 nodad`,
          'link set dev eth0 up',
          `route add ${podGateway}/32 dev eth0`,
          `route add default via ${podGateway}`,
          `route add ${podGateway6}/128 dev eth0`,
          `route add default via ${podGateway6}`,
        ],
      )
      return { namespace, address, address6 }
    },
    async remove({ namespace, address }) {
      await removeNamespaces([namespace])
      taken.delete(address)
    },
  }
}
