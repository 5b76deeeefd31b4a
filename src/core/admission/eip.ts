// An Eip being created, changed or deleted: what needs other objects to be judged (openelb-api.md 1.4). What its schema
// can state is in the CRD; it is judged here too, so that the sentence is a good one and an old CRD does no harm.
import { type Ip, formatIp, formatRange, rangesOverlap, sameRanges } from '../address/index.ts'
import { type Pools, type Taken, covers, overlaps, spaceOf } from '../ipam/index.ts'
import type { Eip, Reason } from '../model/index.ts'
import type { Operation } from './review.ts'
import { type Judgement, allow } from './verdict.ts'

export interface EipReview {
  readonly operation: Operation
  readonly before: Eip | undefined
  readonly after: Eip | undefined
}

export function judgeEip({ operation, before, after }: EipReview, pools: Pools, taken: Taken): Judgement {
  if (operation === 'DELETE') return before === undefined ? allow : judgeDeletion(before, taken)
  if (after === undefined || after.deleting) return allow
  const refusal =
    refuseForm(after, before) ??
    refuseOverlap(after, before, pools) ??
    refuseDefault(after, before, pools) ??
    refuseHostAccess(after, before, pools) ??
    refuseStranding(after, before, taken)
  if (refusal !== undefined) return { kind: 'refuse', reason: refusal }
  return { kind: 'allow', warnings: warnings(after, before, pools) }
}

function judgeDeletion(eip: Eip, taken: Taken): Judgement {
  const usage = taken.usage(eip.name)
  if (usage === 0 || eip.forceDelete) return allow
  const message = `Eip ${eip.name} has ${usage} ${usage === 1 ? 'address' : 'addresses'} in use; delete their Services or move them to another Eip, or annotate it bellhop.dev/force-delete: "true" to withdraw them all`
  return { kind: 'refuse', reason: { code: 'PoolInUse', message } }
}

function refuseForm(after: Eip, before: Eip | undefined): Reason | undefined {
  const [text] = after.malformed.filter((each) => before?.malformed.includes(each) !== true)
  if (text !== undefined) {
    const message = `invalid eip address format: "${text}" in Eip ${after.name}; write one address (192.0.2.1), a block (192.0.2.0/24) or FIRST-LAST with FIRST not after LAST (192.0.2.1-192.0.2.9)`
    return { code: 'MalformedObject', message }
  }
  const needsInterface = after.protocol !== 'bgp' && after.interface === undefined
  if (needsInterface && (before === undefined || before.protocol === 'bgp' || before.interface !== undefined)) {
    const message = `if protocol is layer2 or vip, interface should not be empty: set spec.interface of Eip ${after.name} to a NIC or can_reach:ADDRESS`
    return { code: 'MalformedObject', message }
  }
  return undefined
}

function refuseOverlap(after: Eip, before: Eip | undefined, pools: Pools): Reason | undefined {
  if (before !== undefined && sameRanges(before.ranges, after.ranges)) return undefined
  for (const [index, range] of after.ranges.entries()) {
    if (after.ranges.slice(index + 1).some((other) => rangesOverlap(range, other))) {
      const message = `eip address overlap with ${after.name} itself: its address and extraAddresses overlap; name each address once`
      return { code: 'PoolOverlaps', message }
    }
  }
  for (const other of pools.eips.values()) {
    if (other.name === after.name || !overlaps(other, after)) continue
    const message = `eip address overlap with ${other.name}: Eip ${after.name} (${after.address}) shares addresses with Eip ${other.name} (${other.address}); change one of them`
    return { code: 'PoolOverlaps', message }
  }
  return undefined
}

function refuseDefault(after: Eip, before: Eip | undefined, pools: Pools): Reason | undefined {
  if (!after.isDefault || before?.isDefault === true) return undefined
  const other = [...pools.eips.values()].find((eip) => eip.isDefault && eip.name !== after.name && !eip.deleting)
  if (other === undefined) return undefined
  const message = `already exists a default EIP: ${other.name}; take its annotation is-default-eip away before Eip ${after.name} gets it`
  return { code: 'SecondDefaultPool', message }
}

function refuseStranding(after: Eip, before: Eip | undefined, taken: Taken): Reason | undefined {
  if (before === undefined) return undefined
  const stranded: Ip[] = []
  for (const { address } of taken.ofEip(after.name)) {
    if (covers(before, address) && !covers(after, address)) stranded.push(address)
  }
  if (stranded.length === 0) return undefined
  const named = stranded.slice(0, 5).map(formatIp).join(', ')
  const more = stranded.length > 5 ? ` and ${stranded.length - 5} more` : ''
  const message = `Eip ${after.name} would no longer cover ${named}${more}, in use; keep them covered or release their Services first`
  return { code: 'AddressInUse', message }
}

// Every node on the link would answer ARP and NDP for an address of it (design §6). Which links a node has is known at
// the node alone; but where a node has an address, it has a link.
function refuseHostAccess(after: Eip, before: Eip | undefined, pools: Pools): Reason | undefined {
  if (!after.hostAccess || (before?.hostAccess === true && sameRanges(before.ranges, after.ranges))) return undefined
  for (const { what, range, ofNode } of pools.reservations?.(after.ranges) ?? []) {
    if (ofNode !== true) continue
    const message = `Eip ${after.name} covers ${formatRange(range)}, ${what}, so it lies on a link of the nodes, where with hostAccess all of them would answer ARP for its addresses; remove spec.hostAccess or take addresses that are on no link of a node`
    return { code: 'HostAccessRefused', message }
  }
  return undefined
}

// kubectl prints each on a line of its own.
const mostOverlaps = 5

function warnings(after: Eip, before: Eip | undefined, pools: Pools): readonly Reason[] {
  const known = before === undefined ? [] : warnOfFields(before)
  const found = warnOfFields(after).filter(({ code }) => !known.some((one) => one.code === code))
  return before !== undefined && sameRanges(before.ranges, after.ranges)
    ? found
    : [...found, ...warnOfOverlaps(after, pools)]
}

function warnOfFields({ name, hostAccess, protocol, adopt, isDefault }: Eip): readonly Reason[] {
  const found: Reason[] = []
  if (hostAccess) {
    const message = `hostAccess of Eip ${name} makes every daemon of a node that listens on 0.0.0.0 (sshd, kubelet) reachable at its addresses; remove it unless that is meant`
    found.push({ code: 'HostAccessRisky', message })
  }
  if (protocol !== 'bgp') {
    const message = `Eip ${name} has protocol ${protocol}, which is allocated from but not announced yet; use bgp for addresses that must be reached`
    found.push({ code: 'ProtocolNotAnnounced', message })
  }
  if (adopt && !isDefault) {
    const message = `adopt of Eip ${name} is without effect, because it is not the default Eip; annotate it eip.openelb.kubesphere.io/is-default-eip: "true" or remove spec.adopt`
    found.push({ code: 'FieldUnused', message })
  }
  return found
}

function warnOfOverlaps(eip: Eip, pools: Pools): readonly Reason[] {
  const overlapping: Reason[] = []
  for (const { what, range } of pools.reservations?.(spaceOf(eip)) ?? []) {
    const message = `Eip ${eip.name} covers ${formatRange(range)}, ${what}, which is never handed out; add it to spec.excludes or change the range`
    overlapping.push({ code: 'PoolCoversCluster', message })
  }
  for (const { range } of pools.podRanges?.(spaceOf(eip)) ?? []) {
    const message = `Eip ${eip.name} covers addresses of pods (${formatRange(range)}), and a pod may have an address that it hands out; add them to spec.excludes or change the range`
    overlapping.push({ code: 'PoolCoversCluster', message })
  }
  const more = overlapping.length - mostOverlaps
  if (more <= 0) return overlapping
  const message = `Eip ${eip.name} covers ${more} more addresses or ranges of the cluster; choose a range that is the pool's alone`
  return [...overlapping.slice(0, mostOverlaps), { code: 'PoolCoversCluster', message }]
}
