// The stages between request and route: the pool, the record, the status. What will be done next is asked of planService,
// as the controller does.
import { formatIp, sameIp } from '../address/index.ts'
import {
  type ServicePlan,
  defaultEip,
  formatPool,
  freeCount,
  isBoundTo,
  planService,
  settledRecords,
  spans,
} from '../ipam/index.ts'
import {
  type Allocation,
  type Eip,
  type Reason,
  type ReasonCode,
  type Service,
  assignedCondition,
  findCondition,
  keyOf,
  poolLabel,
} from '../model/index.ts'
import { leaderProblem } from './leader.ts'
import type { Request } from './request.ts'
import { type Stage, fail, listed, ok, unknown, warn } from './stage.ts'
import { millisOf } from './time.ts'
import { type ClusterView, isKnown, recordsOf } from './view.ts'

/** The stages `pool`, `record` and `status`, up to the first that fails. */
export function explainAssignment(service: Service, asked: Request, view: ClusterView): readonly Stage[] {
  if (!isKnown(view, 'eips', 'eipallocations')) {
    const said = findCondition(service.conditions, assignedCondition)
    // What the controller has said of the Service stands, whoever asks.
    if (said?.status === 'False') return [fail('pool', said.reason as ReasonCode, said.message)]
    const told = said === undefined ? '' : `; the controller says: ${said.message}`
    return [unknown('pool', `Eips and EipAllocations could not be read${told}`)]
  }
  const plan = planOf(service, view)
  const settled = settledRecords(service, asked.own)
  if (settled.length === 0) return [lackStage(service, plan, view)]
  const pool = poolStage(service, asked, settled, plan, view)
  if (pool.state === 'fail') return [pool]
  return [pool, recordStage(service, settled, view), statusStage(service, settled, plan, view)]
}

/** What the controller would do about the Service now, ages of records apart: they are its own to know. */
export function planOf(service: Service, view: ClusterView): ServicePlan {
  const { pools, taken, findService, cluster } = view
  return planService({
    ...{ key: keyOf(service), service, records: recordsOf(view, service), pools, taken, findService, start: 0 },
    ageMs: () => Number.POSITIVE_INFINITY,
    wasBound: () => true,
    // That an Eip went by force is marked in its records.
    forceDeleted: () => false,
    keptForMs: ({ retainedUntil }) => {
      const untilMs = retainedUntil === undefined ? undefined : millisOf(retainedUntil)
      return untilMs === undefined ? undefined : untilMs - cluster.readAtMs
    },
  })
}

/** Why the Service has no address: as the plan would write it, or as it is written already. */
export function lackOf(service: Service, plan: ServicePlan): Reason | undefined {
  const planned = plan.steps.flatMap((step) => (step.kind === 'writeStatus' ? step.conditions : []))
  const claims = plan.steps.some(({ kind }) => kind === 'claim' || kind === 'bind')
  const said =
    findCondition(planned, assignedCondition) ??
    (claims ? undefined : findCondition(service.conditions, assignedCondition))
  return said?.status === 'False' ? { code: said.reason as ReasonCode, message: said.message } : undefined
}

function lackStage(service: Service, plan: ServicePlan, view: ClusterView): Stage {
  const reason = lackOf(service, plan)
  if (reason !== undefined) return fail('pool', reason.code, reason.message, poolDetails(reason, view))
  const leader = leaderProblem(view)
  if (leader !== undefined) return fail('record', leader.code, `no address is claimed for it: ${leader.message}`)
  const says = 'an address is to be had for it, and the controller has not claimed it yet'
  return fail('record', 'StatusBehind', says)
}

// Who has a full pool.
function poolDetails({ code, message }: Reason, view: ClusterView): readonly string[] {
  const name = /^Eip (\S+)/.exec(message)?.[1]
  const eip = name === undefined ? undefined : view.pools.eips.get(name)
  if (eip === undefined || (code !== 'PoolFull' && code !== 'QuotaExceeded')) return []
  const counts = new Map<string, number>()
  let gone = 0
  for (const { holders } of view.taken.ofEip(eip.name)) {
    if (!holders.some(({ namespace, name }) => view.services.has(`${namespace}/${name}`))) gone++
    for (const namespace of new Set(holders.map((holder) => holder.namespace))) {
      counts.set(namespace, (counts.get(namespace) ?? 0) + 1)
    }
  }
  const most = [...counts].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  const given = isKnown(view, 'services') && gone > 0 ? [`${gone} of them given back and not free yet, or kept`] : []
  return [`in use by namespace: ${listed(most.map(([namespace, count]) => `${namespace} ${count}`))}`, ...given]
}

function poolStage(
  service: Service,
  { request, own }: Request,
  settled: readonly Allocation[],
  plan: ServicePlan,
  view: ClusterView,
): Stage {
  const kept = own.find(({ retainedUntil }) => retainedUntil !== undefined)
  const lack = lackOf(service, plan)
  if (kept !== undefined && lack !== undefined) return fail('pool', lack.code, lack.message)
  const names = settled.map((record) => poolOf(record, service, view))
  const stranded = settled.find(({ eip, address }) => {
    const pool = view.pools.eips.get(eip)
    return pool === undefined || !spans(pool, address)
  })
  if (stranded !== undefined) {
    const gone = view.pools.eips.has(stranded.eip) ? 'no longer covers it' : 'is gone'
    const says = `${formatIp(stranded.address)} is kept and announced although Eip ${stranded.eip} ${gone}`
    return warn('pool', 'PoolGone', says)
  }
  const said = findCondition(service.conditions, assignedCondition)
  if (said?.reason === 'KeptAddress') return warn('pool', 'KeptAddress', said.message)
  const lacksOne = request?.optional !== undefined && settled.length < 2 && said?.message.includes('lacking') === true
  if (lacksOne) return warn('pool', 'FamilyUnavailable', said.message)
  return ok('pool', listed(names))
}

function poolOf({ eip: name }: Allocation, service: Service, view: ClusterView): string {
  const eip = view.pools.eips.get(name)
  if (eip === undefined) return name
  const why = whyThis(eip, service, view)
  return `${formatPool(eip)}, ${why}; ${freeCount(eip, view.taken, view.pools)} free`
}

function whyThis(eip: Eip, service: Service, { pools }: ClusterView): string {
  if (isBoundTo(eip, service, pools)) return 'bound to its namespace or labels'
  return defaultEip(pools)?.name === eip.name ? 'the default' : 'asked for'
}

function recordStage(service: Service, settled: readonly Allocation[], view: ClusterView): Stage {
  const texts = settled.map(({ name }) => name)
  const others = settled
    .flatMap(({ holders }) => holders)
    .filter(({ namespace, name }) => namespace !== service.namespace || name !== service.name)
    .map(({ namespace, name }) => `${namespace}/${name}`)
  const shared = others.length === 0 ? '' : `, shared with ${listed([...new Set(others)])}`
  const says = `EipAllocation${texts.length === 1 ? '' : 's'} ${listed(texts)} ${texts.length === 1 ? 'is' : 'are'} bound to it${shared}`
  const absent = others.filter((key) => isKnown(view, 'services') && !view.services.has(key))
  return absent.length === 0
    ? ok('record', says)
    : ok('record', says, [`${listed(absent)} is gone and will be taken out`])
}

function statusStage(service: Service, settled: readonly Allocation[], plan: ServicePlan, view: ClusterView): Stage {
  const said = findCondition(service.conditions, assignedCondition)
  const has = (record: Allocation): boolean => service.ingress.some((ip) => sameIp(ip, record.address))
  const missing = settled.filter((record) => !has(record)).map(({ address }) => formatIp(address))
  const held = service.ingress.map(formatIp)
  const leader = leaderProblem(view)
  const behind = leader === undefined ? 'the controller has not written it yet' : leader.message
  if (said?.reason === 'StatusContested') return fail('status', 'StatusContested', said.message)
  if (missing.length > 0) {
    const says = `${listed(missing)} is not in the status: ${behind}`
    return fail('status', leader?.code ?? 'StatusBehind', says)
  }
  if (!(poolLabel in service.labels)) {
    const says = `the Service lacks the label ${poolLabel}, by which speakers see it: ${behind}`
    return fail('status', leader?.code ?? 'StatusBehind', says)
  }
  const moves = plan.steps.some((step) => step.kind === 'writeStatus' && step.ingress !== undefined)
  const next = moves ? ['the controller is about to change it'] : []
  return ok('status', `${listed(held)} is in the status`, next)
}
