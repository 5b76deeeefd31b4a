// Whether a node may carry the traffic of Services (openelb-api.md 1.5, design §6).
import type { Node, Reason } from '../model/index.ts'

/** What is known of a node beside its object. */
export interface NodeState {
  /** Its speaker is alive: that outweighs Ready=Unknown, which only says that the kubelet is not heard. */
  readonly speakerAlive: boolean
  /** Its speaker says that it leaves. Ends with the speaker's Lease. */
  readonly leaving: boolean
  /** More than half of all nodes are Unknown: the control plane has lost sight, not the nodes their network. */
  readonly mostNodesUnknown: boolean
}

/** Undefined: usable. */
export function nodeUnusable(node: Node, state: NodeState): Reason | undefined {
  const { name } = node
  if (node.deleting) return { code: 'NodeDeleting', message: `node ${name} is being deleted` }
  if (node.drain) {
    return {
      code: 'NodeDrained',
      message: `node ${name} is annotated bellhop.dev/drain; remove it to announce the node`,
    }
  }
  if (state.leaving) return { code: 'NodeLeaving', message: `the speaker of node ${name} is leaving the node` }
  if (node.excluded) {
    return {
      code: 'NodeExcluded',
      message: `node ${name} is labelled node.kubernetes.io/exclude-from-external-load-balancers`,
    }
  }
  if (node.ready === 'False') return { code: 'NodeNotReady', message: `node ${name} is not Ready` }
  if (node.ready === 'Unknown' && !state.speakerAlive && !state.mostNodesUnknown) {
    return { code: 'NodeNotReady', message: `node ${name} is Ready=Unknown and no speaker on it is alive` }
  }
  if (node.networkUnavailable) {
    return { code: 'NodeNetworkUnavailable', message: `the network of node ${name} is not available` }
  }
  return undefined
}

/** True when more than half of the nodes are Unknown. */
export function areMostUnknown(nodes: Iterable<Node>): boolean {
  let all = 0
  let unknown = 0
  for (const node of nodes) {
    all++
    if (node.ready === 'Unknown') unknown++
  }
  return unknown * 2 > all
}
