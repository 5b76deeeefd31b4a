// Why a Service works or does not: from the request to the traffic, stage by stage, up to the first that fails.
import { type Ip, formatIp } from '../address/index.ts'
import type { Service } from '../model/index.ts'
import { explainAssignment } from './assignment.ts'
import { remediesOf } from './remedies.ts'
import { explainRoute } from './route.ts'
import { type Explanation, type Stage, type StageName, type Verdict, listed } from './stage.ts'
import { explainRequest } from './request.ts'
import type { ClusterView } from './view.ts'

/** Undefined: the cluster has no Service of that key (`namespace/name`). */
export function explainService(key: string, view: ClusterView): Explanation | undefined {
  const service = view.services.get(key)
  if (service === undefined) return undefined
  const stages = stagesOf(service, view)
  const bad = stages.find(({ state }) => state === 'fail') ?? stages.find(({ state }) => state === 'warn')
  const verdict = verdictOf(bad, stages)
  const { namespace, name } = service
  const eip = /\bEip ([a-z0-9.-]+)/.exec(bad?.says ?? '')?.[1]
  const about = { namespace, name, eip, systemNamespace: view.cluster.systemNamespace }
  return {
    subject: `Service ${key}`,
    verdict,
    headline: headlineOf(service, verdict, bad, stages),
    stages,
    ...(bad?.reason === undefined ? {} : { reason: bad.reason, message: bad.says }),
    remedies: bad?.reason === undefined ? beyond(service, stages) : remediesOf(bad.reason, about),
    unread: view.cluster.unread,
  }
}

function stagesOf(service: Service, view: ClusterView): readonly Stage[] {
  const asked = explainRequest(service, view)
  if (asked.stage.state === 'fail') return [asked.stage]
  const assignment = explainAssignment(service, asked, view)
  const stages = [asked.stage, ...assignment]
  if (assignment.some(({ state }) => state === 'fail')) return stages
  const own = new Set(asked.own.map(({ address }) => formatIp(address)))
  // Where records could not be read, what stands in the status is all there is to go by.
  const isUnknown = assignment.some(({ state }) => state === 'unknown')
  const addresses: readonly Ip[] = service.ingress.filter((ip) => isUnknown || own.has(formatIp(ip)))
  return addresses.length === 0 ? stages : [...stages, ...explainRoute(service, addresses, view)]
}

function verdictOf(bad: Stage | undefined, stages: readonly Stage[]): Verdict {
  const isUnknown = stages.some(({ state }) => state === 'unknown')
  if (bad === undefined) return isUnknown ? 'unknown' : 'works'
  if (bad.reason === 'NotOurs') return 'notOurs'
  if (bad.state === 'fail') return 'broken'
  return isUnknown ? 'unknown' : 'impaired'
}

const lackBy: Readonly<Record<StageName, string>> = {
  request: 'is not given an address',
  pool: 'has no address',
  record: 'has no address',
  status: 'has an address that is not usable yet',
  endpoints: 'has an address and no route: nothing behind it is ready',
  nodes: 'has an address and no route: no node can carry its traffic',
  sessions: 'has an address and no route: no router can be told',
  routes: 'has an address and no route',
  hosts: 'has a route, and nodes that do not take its traffic',
}

function headlineOf(service: Service, verdict: Verdict, bad: Stage | undefined, stages: readonly Stage[]): string {
  if (verdict === 'notOurs') return 'is not for Bellhop'
  if (verdict === 'broken' && bad !== undefined) return lackBy[bad.name]
  const addresses = listed(service.ingress.map(formatIp))
  if (verdict === 'unknown') {
    const isKnownToRouters = stages.some(({ name, state }) => name === 'routes' && state === 'ok')
    const rest = isKnownToRouters
      ? ', known to routers; not all could be seen'
      : '; whether routers know it could not be seen'
    return `has ${addresses || 'no address'}${rest}`
  }
  if (bad?.reason === 'SpeakersBehind') return `has ${addresses}; no speaker is known to have told routers yet`
  const has = `has ${addresses}, known to routers`
  return verdict === 'works' ? has : `${has}, with a warning`
}

// All that the objects tell is in order: where to look next.
function beyond(service: Service, stages: readonly Stage[]): readonly string[] {
  if (!stages.some(({ name, state }) => name === 'routes' && state === 'ok')) return []
  const [first] = service.ingress
  if (first === undefined) return []
  const prefix = `${formatIp(first)}/${first.family === 4 ? 32 : 128}`
  const command = `show bgp ipv${first.family} unicast ${prefix}`
  return [
    `if clients get no answer all the same: what routers took is theirs to say (${command}), then kube-proxy and the Pods`,
  ]
}
