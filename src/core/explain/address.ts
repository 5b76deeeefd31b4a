// Who has an address, or why nobody has it, or could.
import { type Ip, formatIp, sameIp } from '../address/index.ts'
import { addressKeptBack, addressReserved, formatPool, isOlder, poolClosed, spans } from '../ipam/index.ts'
import type { Allocation, Eip } from '../model/index.ts'
import { type Explanation, type Stage, type Verdict, fail, listed, ok, unknown, warn } from './stage.ts'
import { boundTo } from './pools.ts'
import { remediesOf } from './remedies.ts'
import { type ClusterView, isKnown } from './view.ts'
import { waysTo } from './ways.ts'

export function explainAddress(ip: Ip, view: ClusterView): Explanation {
  const stages = stagesOf(ip, view)
  const bad = stages.find(({ state }) => state === 'fail') ?? stages.find(({ state }) => state === 'warn')
  const record = view.taken.at(ip)
  const about = { namespace: 'default', name: 'NAME', eip: record?.eip, systemNamespace: view.cluster.systemNamespace }
  return {
    subject: `Address ${formatIp(ip)}`,
    verdict: verdictOf(stages, bad),
    headline: headlineOf(ip, stages, record, view),
    stages,
    ...(bad?.reason === undefined ? {} : { reason: bad.reason, message: bad.says }),
    // Those that are about a Service have none here.
    remedies: (bad?.reason === undefined ? [] : remediesOf(bad.reason, about)).filter((line) => !line.includes('NAME')),
    unread: view.cluster.unread,
  }
}

function stagesOf(ip: Ip, view: ClusterView): readonly Stage[] {
  if (!isKnown(view, 'eips', 'eipallocations')) return [unknown('pool', 'Eips and EipAllocations could not be read')]
  const pool = poolStage(ip, view)
  const record = view.taken.at(ip)
  if (record === undefined) {
    const bare = holdersOf(ip, view)
    if (bare.length === 0) return [pool]
    const says = `${listed(bare)} has it in the status, and no EipAllocation: it is another provider's, or about to be claimed`
    return [pool, warn('record', 'AddressTaken', says)]
  }
  // Who has it keeps it, whatever became of its pool.
  const kept: Stage = pool.state === 'fail' ? { ...pool, state: 'warn' } : pool
  return [kept, recordStage(record, view), ...routeStage(ip, view)]
}

function poolStage(ip: Ip, view: ClusterView): Stage {
  const reserved = addressReserved(ip, view.pools)
  if (reserved !== undefined)
    return fail('pool', reserved.code, `${formatIp(ip)} is ${view.pools.reserved(ip) ?? ''}: nobody may have it`)
  const covering = [...view.pools.eips.values()].filter((each) => spans(each, ip))
  const [eip] = covering.toSorted((a, b) => (isOlder(a, b) ? -1 : 1))
  if (eip === undefined) return fail('pool', 'AddressInNoPool', `no Eip covers ${formatIp(ip)}`)
  const back = addressKeptBack(ip, eip)
  if (back !== undefined) return fail('pool', back.code, back.message)
  const closed = poolClosed(eip, view.pools)
  if (closed !== undefined) return fail('pool', closed.code, closed.message)
  return ok('pool', `${formatPool(eip)}; ${whoMay(eip)}`)
}

function whoMay(eip: Eip): string {
  return eip.allowExplicit ? 'every Service may ask for it' : `for ${listed(boundTo(eip))} only`
}

function recordStage({ name, holders, retainedUntil, eip }: Allocation, view: ClusterView): Stage {
  const keys = holders.map(
    ({ namespace, name, generateName }) => `${namespace}/${name === '' ? `${generateName}…` : name}`,
  )
  const there = keys.filter((key) => view.services.has(key))
  const says = `EipAllocation ${name} of Eip ${eip}: ${listed(keys)}`
  if (there.length > 0 || !isKnown(view, 'services')) return ok('record', says)
  if (retainedUntil !== undefined) {
    return warn('record', 'AddressRetained', `${says}, gone; kept for the same name until ${retainedUntil}`)
  }
  return warn('record', 'AddressCooling', `${says}, gone; free as soon as every speaker has let go of it`)
}

function routeStage(ip: Ip, view: ClusterView): readonly Stage[] {
  if (!isKnown(view, 'speakers', 'nodes', 'racks', 'endpointslices')) return []
  const ways = waysTo(ip, view)
  if (ways.size === 0) return []
  const lines = [...ways].map(([peer, hops]) => `→ ${peer}: ${listed([...hops.keys()].toSorted())}`)
  return [ok('routes', `known to ${listed([...ways.keys()].toSorted())}`, lines.toSorted())]
}

function holdersOf(ip: Ip, view: ClusterView): readonly string[] {
  return [...view.services].filter(([, { ingress }]) => ingress.some((each) => sameIp(each, ip))).map(([key]) => key)
}

function verdictOf(stages: readonly Stage[], bad: Stage | undefined): Verdict {
  if (stages.some(({ state }) => state === 'unknown')) return 'unknown'
  if (bad === undefined) return 'works'
  return bad.state === 'fail' ? 'broken' : 'impaired'
}

function headlineOf(ip: Ip, stages: readonly Stage[], record: Allocation | undefined, view: ClusterView): string {
  if (stages.some(({ state }) => state === 'unknown')) return 'could not be looked up'
  const holders = holdersOf(ip, view)
  if (record === undefined) {
    if (holders.length > 0) return `is in the status of ${listed(holders)}`
    return stages.some(({ state }) => state === 'fail') ? "is nobody's, and cannot be had" : 'is free'
  }
  const keys = record.holders.map(({ namespace, name }) => `${namespace}/${name}`)
  const there = keys.filter((key) => view.services.has(key))
  if (there.length > 0) return `is held by ${listed(there.map((key) => `Service ${key}`))}`
  return record.retainedUntil === undefined
    ? 'was given back and is not free yet'
    : 'is kept for a Service that is gone'
}
