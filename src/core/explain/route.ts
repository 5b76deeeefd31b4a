// The stages from the status to the routers: endpoints, nodes, sessions, routes, host routes. Whether there is a route is
// judged as the controller judges it; next hops are what each speaker decides.
import { type Ip, formatIp } from '../address/index.ts'
import {
  type Advertised,
  type AdvertisedInput,
  areMostUnknown,
  eipOf,
  judgeAdvertised,
  nodeUnusable,
  readyNodes,
} from '../announce/index.ts'
import {
  type Eip,
  type Node,
  type ReasonCode,
  type Service,
  assignedCondition,
  findCondition,
  keyOf,
  poolLabel,
} from '../model/index.ts'
import { nextHopStages } from './next-hops.ts'
import { sessionStage } from './session-stage.ts'
import { type Stage, counted, fail, listed, ok, unknown } from './stage.ts'
import { millisOf } from './time.ts'
import { type ClusterView, isKnown } from './view.ts'

/** About the pool rather than the way. */
const ofPool: readonly ReasonCode[] = ['OwnedByCni', 'ProtocolNotAnnounced']

/** `addresses`: those of its status that are its own. */
export function explainRoute(service: Service, addresses: readonly Ip[], view: ClusterView): readonly Stage[] {
  const judged = judge(service, addresses, view)
  const eip = poolOf(service, addresses, view)
  const { code, message } = judged.reason
  if (ofPool.includes(code)) return [fail('routes', code, message)]
  const endpoints = endpointStage(service, addresses, judged, view)
  if (endpoints.state === 'fail') return [endpoints]
  const nodes = nodeStage(service, addresses, judged, view)
  if (nodes.state === 'fail') return [endpoints, nodes]
  // A "no" that rests on what could not be read is none; the stage of the routes says so.
  const isSure = isKnown(view, 'endpointslices', 'nodes', 'eips', 'speakers', 'racks', 'services')
  const sure: Advertised = isSure ? judged : { ...judged, status: 'Unknown' }
  const sessions = sessionStage(sure, eip?.bgp.peers ?? [], view)
  if (sessions.state === 'fail') return [endpoints, nodes, sessions]
  return [endpoints, nodes, sessions, ...nextHopStages(service, addresses, judged, view)]
}

/** As the controller does, from the same objects. */
export function judge(service: Service, addresses: readonly Ip[], view: ClusterView): Advertised {
  const { services, slices, nodes, speakers, racks } = view
  const keys = new Set([keyOf(service), ...addresses.flatMap((ip) => view.holders.get(formatIp(ip)) ?? [])])
  const eip = poolOf(service, addresses, view)
  const since = findCondition(service.conditions, assignedCondition)?.lastTransitionTime ?? ''
  const input: AdvertisedInput = {
    ...{ addresses, slices, nodes, eip, speakers, racks },
    services: [...keys].flatMap((key) => services.get(key) ?? []),
    statusWrittenMs: isKnown(view, 'leases') ? (millisOf(since) ?? 0) : 0,
  }
  return judgeAdvertised(input)
}

function poolOf(service: Service, [first]: readonly Ip[], { eips }: ClusterView): Eip | undefined {
  return first === undefined ? undefined : eipOf(first, eips, service.labels[poolLabel])?.eip
}

function endpointStage(service: Service, addresses: readonly Ip[], judged: Advertised, view: ClusterView): Stage {
  if (!isKnown(view, 'endpointslices')) return unknown('endpoints', 'EndpointSlices could not be read')
  const slices = view.slices.get(keyOf(service)) ?? []
  const families = [...new Set(addresses.map(({ family }) => family))]
  const lines = families.map((family) => {
    const { nodes } = readyNodes(slices, family)
    const all = slices.filter((slice) => slice.family === family).flatMap(({ endpoints }) => endpoints)
    const ready = all.filter((endpoint) => endpoint.ready).length
    const where = nodes.size === 0 ? '' : ` on ${listed([...nodes].toSorted())}`
    const serving = ready === 0 && nodes.size > 0 ? ', those that still serve while they end get the traffic' : ''
    return `IPv${family}: ${ready} of ${all.length} ready${where}${serving}`
  })
  if (judged.reason.code !== 'NoReadyEndpoint') {
    const shares = addresses.some((ip) => (view.holders.get(formatIp(ip)) ?? []).length > 1)
    const says = `${listed(lines)}${shares ? ', and those of the Services that share the address' : ''}`
    return ok('endpoints', says)
  }
  const { selector } = service
  const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`)
  const whose =
    labels.length === 0
      ? 'the Service has no selector: its EndpointSlices are to be made by hand'
      : `Pods with ${labels.join(',')} are to be ready`
  return fail('endpoints', 'NoReadyEndpoint', judged.reason.message, [
    ...(slices.length === 0 ? [`there is no EndpointSlice; ${whose}`] : [...lines, whose]),
  ])
}

function nodeStage(service: Service, addresses: readonly Ip[], judged: Advertised, view: ClusterView): Stage {
  if (!isKnown(view, 'nodes')) return unknown('nodes', 'Nodes could not be read')
  const { nodes, slices } = view
  const mostNodesUnknown = areMostUnknown(nodes.values())
  const unusable = new Map(
    [...nodes.values()].flatMap((node) => {
      const reason = whyUnusable(node, mostNodesUnknown, view)
      return reason === undefined ? [] : [[node.name, reason.message]]
    }),
  )
  const isLocal = service.externalTrafficPolicy === 'Local'
  const named = addresses.flatMap(({ family }) => [...readyNodes(slices.get(keyOf(service)) ?? [], family).nodes])
  const candidates = isLocal ? [...new Set(named)].toSorted() : [...nodes.keys()].toSorted()
  const usable = candidates.filter((name) => nodes.has(name) && !unusable.has(name))
  const details = candidates.flatMap(
    (name) => unusable.get(name) ?? (nodes.has(name) ? [] : [`there is no Node ${name}`]),
  )
  const rule = isLocal ? 'policy Local: nodes with a ready endpoint' : 'policy Cluster: every usable node'
  const short = details.length > 5 ? [...details.slice(0, 5), `and ${details.length - 5} more`] : details
  if (judged.reason.code === 'NoUsableNode') return fail('nodes', 'NoUsableNode', `none is usable; ${rule}`, short)
  return ok('nodes', `${rule}: ${usable.length > 6 ? counted(usable.length, 'node') : listed(usable)}`, short)
}

function whyUnusable(node: Node, mostNodesUnknown: boolean, { speakers }: ClusterView) {
  const speaker = speakers.get(node.name)
  const speakerAlive = speaker?.alive ?? false
  const leaving = speakerAlive && speaker?.status.state === 'Leaving'
  return nodeUnusable(node, { speakerAlive, leaving, mostNodesUnknown })
}
