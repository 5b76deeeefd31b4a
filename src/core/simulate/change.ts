// A view of a cluster with one thing changed, once everybody has noticed. `undefined`: there is no such thing to change.
import { planRacks, type SpeakerProgress } from '../announce/index.ts'
import type { ClusterView } from '../explain/index.ts'
import type { Endpoint, Node, SessionStatus } from '../model/index.ts'

/** The racks as the controller plans them for what the view shows, whatever the Rack objects say. */
export function withPlannedRacks(view: ClusterView): ClusterView {
  const racks = planRacks({
    nodes: [...view.nodes.values()],
    speakers: view.speakers,
    peers: [...view.peers.values()],
  })
  return { ...view, racks }
}

/** The node annotated bellhop.dev/drain and withdrawn by its speaker, or in traffic again. */
export function withDrain(view: ClusterView, node: string, drain: boolean): ClusterView | undefined {
  const changed = withNode(view, node, (found) => ({ ...found, drain }))
  return withSpeakers(changed, ({ status, ...progress }, name) => {
    if (name !== node || status.state === 'Leaving') return { ...progress, status }
    return { ...progress, status: { ...status, state: drain ? 'Drained' : 'Running' } }
  })
}

/** The router, or its session with one node, is gone. */
export function withoutPeer(view: ClusterView, peer: string, node?: string): ClusterView | undefined {
  const isMeant = (name: string, session: SessionStatus): boolean =>
    session.peer === peer && (node === undefined || name === node)
  const some = [...view.speakers].some(([name, { status }]) => status.sessions.some((each) => isMeant(name, each)))
  if (!some) return undefined
  return withSpeakers(view, ({ status, ...progress }, name) => {
    const sessions = status.sessions.map((session) => (isMeant(name, session) ? downOf(session) : session))
    return { ...progress, status: { ...status, sessions } }
  })
}

/** The node without power: its control plane hears nothing of it, its speaker is silent, none of its endpoints is ready. */
export function withoutNode(view: ClusterView, node: string): ClusterView | undefined {
  const dark = withNode(view, node, (found) => ({ ...found, ready: 'Unknown' }))
  const silent = withSpeakers(dark, (progress, name) => (name === node ? { ...progress, alive: false } : progress))
  if (silent === undefined) return undefined
  const isHere = (endpoint: Endpoint): boolean => endpoint.node === node
  const slices = [...silent.slices].map(([service, all]) => {
    const after = all.map((slice) =>
      slice.endpoints.some(isHere)
        ? { ...slice, endpoints: slice.endpoints.map((each) => (isHere(each) ? endedOf(each) : each)) }
        : slice,
    )
    return [service, after] as const
  })
  return { ...silent, slices: new Map(slices) }
}

function endedOf(endpoint: Endpoint): Endpoint {
  return { ...endpoint, ready: false, serving: false }
}

function downOf(session: SessionStatus): SessionStatus {
  return { ...session, state: 'ACTIVE', families: [], addPath: [], lastError: 'the router is gone' }
}

function withNode(view: ClusterView, name: string, change: (node: Node) => Node): ClusterView | undefined {
  const found = view.nodes.get(name)
  return found === undefined ? undefined : { ...view, nodes: new Map([...view.nodes, [name, change(found)]]) }
}

function withSpeakers(
  view: ClusterView | undefined,
  change: (progress: SpeakerProgress, node: string) => SpeakerProgress,
): ClusterView | undefined {
  if (view === undefined) return undefined
  return { ...view, speakers: new Map([...view.speakers].map(([node, each]) => [node, change(each, node)])) }
}
