// The Services that are for Bellhop: address, pool, whether routers know the way, and why not.
import { formatIp } from '../address/index.ts'
import { isOurs } from '../ipam/index.ts'
import {
  type Condition,
  type Service,
  advertisedCondition,
  assignedCondition,
  findCondition,
  keyOf,
} from '../model/index.ts'
import { lackOf, planOf } from './assignment.ts'
import { type ClusterView, recordsOf } from './view.ts'

export interface ServiceRow {
  readonly namespace: string
  readonly name: string
  readonly addresses: readonly string[]
  readonly pools: readonly string[]
  /** `waits`: it has no address; `noRoute`: no router knows the way; `unknown`: not said yet. */
  readonly state: 'ok' | 'waits' | 'noRoute' | 'unknown'
  /** Why it is not ok. */
  readonly reason: string
  readonly message: string
}

/** In the order of their keys; as the conditions of the Services say, which the controller keeps. */
export function serviceRows(view: ClusterView): readonly ServiceRow[] {
  return view.cluster.services
    .map((service) => ({ service, records: recordsOf(view, service) }))
    .filter(({ service, records }) => !service.deleting && isOurs(service, view.pools, records.length > 0))
    .map(({ service, records }) => serviceRow(service, [...new Set(records.map(({ eip }) => eip))], view))
    .toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))
}

function serviceRow(service: Service, pools: readonly string[], view: ClusterView): ServiceRow {
  const { namespace, name } = service
  const addresses = service.ingress.map(formatIp)
  return { namespace, name, addresses, pools, ...stateOf(service, view) }
}

function stateOf(service: Service, view: ClusterView): Pick<ServiceRow, 'state' | 'reason' | 'message'> {
  const said = (condition: Condition | undefined) => ({
    reason: condition?.reason ?? '',
    message: condition?.message ?? '',
  })
  if (service.ingress.length === 0) {
    const assigned = findCondition(service.conditions, assignedCondition)
    if (assigned?.status === 'False') return { state: 'waits', ...said(assigned) }
    const lack = lackOf(service, planOf(service, view))
    const message = `the controller has not given ${keyOf(service)} an address yet`
    return { state: 'waits', reason: lack?.code ?? 'StatusBehind', message: lack?.message ?? message }
  }
  const advertised = findCondition(service.conditions, advertisedCondition)
  if (advertised?.status === 'True') return { state: 'ok', reason: '', message: '' }
  if (advertised?.status === 'False') return { state: 'noRoute', ...said(advertised) }
  const message = 'the controller has not said yet whether routers know the way'
  return advertised === undefined
    ? { state: 'unknown', reason: 'SpeakersBehind', message }
    : { state: 'unknown', ...said(advertised) }
}
