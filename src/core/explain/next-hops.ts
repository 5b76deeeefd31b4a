// The last stages: which next hops each router was told, and whether the nodes take the traffic.
import { type Ip, formatIp } from '../address/index.ts'
import type { Advertised } from '../announce/index.ts'
import {
  type AnnouncementException,
  type ReasonCode,
  type Service,
  advertisedCondition,
  findCondition,
} from '../model/index.ts'
import { type Stage, counted, fail, listed, ok, unknown, warn } from './stage.ts'
import { type ClusterView, isKnown } from './view.ts'
import { type WaysOfAddress, waysTo } from './ways.ts'
import { decideEverywhere } from './worlds.ts'

const ofKernel: readonly ReasonCode[] = ['RouteForeign', 'HostAccessRefused', 'HostAccessRisky']
const mostLines = 8

interface Said extends AnnouncementException {
  readonly node: string
}

export function nextHopStages(
  service: Service,
  addresses: readonly Ip[],
  judged: Advertised,
  view: ClusterView,
): readonly Stage[] {
  if (!isKnown(view, 'speakers', 'nodes', 'racks', 'eips', 'endpointslices', 'bgppeers', 'bgpconfs')) {
    const stored = findCondition(service.conditions, advertisedCondition)
    if (stored?.status === 'False') return [fail('routes', stored.reason as ReasonCode, stored.message)]
    const told = stored === undefined ? '' : `; the controller says: ${stored.message}`
    return [unknown('routes', `not all that speakers decide with could be read${told}`)]
  }
  const decisions = addresses.map((address) => ({ address, decided: decideEverywhere(view, address) }))
  const ways = decisions.map(({ address, decided }) => ({ address, ways: waysTo(address, view, decided) }))
  const texts = new Set(addresses.map(formatIp))
  const said = [...view.speakers].flatMap(([node, { alive, status }]): readonly Said[] =>
    alive ? status.exceptions.filter(({ address }) => texts.has(address)).map((each) => ({ node, ...each })) : [],
  )
  const lines = ways.flatMap((each) => wayLines(each.address, each.ways, addresses.length > 1))
  const exceptions = said.filter(({ reason }) => !ofKernel.includes(reason))
  const routes = routeStage(service, judged, { lines, exceptions, ways, view })
  if (routes.state === 'fail') return [routes]
  return [
    routes,
    hostStage(
      ways.map(({ ways }) => ways),
      said.filter(({ reason }) => ofKernel.includes(reason)),
      view,
    ),
  ]
}

interface Found {
  readonly lines: readonly string[]
  readonly exceptions: readonly Said[]
  readonly ways: readonly { readonly address: Ip; readonly ways: WaysOfAddress }[]
  readonly view: ClusterView
}

function routeStage(service: Service, { status, reason }: Advertised, { lines, exceptions, ways, view }: Found): Stage {
  const others = exceptions.filter(({ message }) => message !== reason.message).map(exceptionLine)
  const details = [...lines, ...others].slice(0, mostLines + 4)
  if (status === 'False') return fail('routes', reason.code, reason.message, details)
  const unsent = unsentLines(
    ways.map((each) => each.ways),
    view,
  )
  if (status === 'Unknown') return warn('routes', reason.code, reason.message, [...details, ...unsent])
  const routers = new Set(ways.flatMap((each) => [...each.ways.keys()]))
  const hops = new Set(ways.flatMap((each) => [...each.ways.values()].flatMap((nodes) => [...nodes.keys()])))
  const says = `${counted(routers.size, 'router')} told, ${counted(hops.size, 'next hop')}`
  const stored = findCondition(service.conditions, advertisedCondition)
  const turning =
    stored !== undefined && stored.status !== 'True'
      ? [`condition Advertised still says ${stored.reason}: ${stored.message}`]
      : []
  const all = [...details, ...unsent, ...turning]
  const [first] = exceptions
  return first === undefined ? ok('routes', says, all) : warn('routes', first.reason, says, all)
}

// `leaf1: master, worker1 (by master)`: who told it, where that is not the next hop itself.
function wayLines(address: Ip, ways: WaysOfAddress, several: boolean): readonly string[] {
  const prefix = several ? `${formatIp(address)} ` : ''
  return [...ways].toSorted(byKey).map(([peer, hops]) => {
    const nodes = [...hops].toSorted(byKey).map(([node, by]) => {
      const others = by.filter((each) => each !== node)
      return others.length === 0 ? node : `${node} (by ${others.join(' and ')})`
    })
    return `${prefix}→ ${peer}: ${listed(nodes)}`
  })
}

function exceptionLine({ node, reason, message }: Said): string {
  return `${node}: ${reason}: ${message}`
}

// Counts come with other news or once a minute: that nothing is open is not news.
function unsentLines(ways: readonly WaysOfAddress[], { speakers }: ClusterView): readonly string[] {
  const told = new Set(ways.flatMap((each) => [...each.keys()]))
  return [...speakers].flatMap(([node, { alive, status }]) =>
    status.sessions
      .filter(({ peer, state, prefixesSent, prefixesWanted }) => {
        return alive && told.has(peer) && state === 'ESTABLISHED' && prefixesSent < prefixesWanted
      })
      .map(
        ({ peer, prefixesSent, prefixesWanted }) =>
          `${node} → ${peer}: ${prefixesSent} of ${prefixesWanted} prefixes were sent when its speaker last said`,
      ),
  )
}

function hostStage(ways: readonly WaysOfAddress[], said: readonly Said[], { speakers }: ClusterView): Stage {
  const [first] = said
  if (first !== undefined) {
    const nodes = listed(said.map(({ node }) => node))
    return warn('hosts', first.reason, `${first.message} (${nodes})`)
  }
  const hops = new Set(ways.flatMap((each) => [...each.values()].flatMap((nodes) => [...nodes.keys()])))
  const short = [...hops].toSorted().flatMap((node) => {
    const routes = speakers.get(node)?.status.routes
    const isShort = routes !== undefined && routes.present < routes.wanted
    return isShort ? [`${node}: ${routes.present} of ${routes.wanted} host routes are in place`] : []
  })
  const known = [...hops].filter((node) => speakers.get(node)?.alive === true).length
  const others = hops.size - known
  const rest =
    others === 0 ? '' : `; ${counted(others, 'node')} without a speaker ${others === 1 ? 'has' : 'have'} none`
  const says = `host routes are in place on ${counted(known, 'node')}, as far as their speakers say${rest}`
  return short.length === 0 ? ok('hosts', says) : warn('hosts', 'RouteMissing', 'host routes are missing', short)
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
