// Row 1 of design §3: an address in the status of a Service that no record of it holds.
import type { Family, Ip } from '../address/index.ts'
import { type Allocation, type Holder, type Service, poolLabel } from '../model/index.ts'
import type { Draft } from './choose.ts'
import { claimOf } from './own.ts'
import { type Pools, isOlder, spans } from './pools.ts'
import { wantedFamilies } from './request.ts'
import { type HolderService, sharingRefused } from './share.ts'
import type { Step } from './steps.ts'
import type { Taken } from './taken.ts'

export interface RegainInput {
  readonly key: string
  readonly pools: Pools
  readonly taken: Taken
  readonly findService: HolderService
}

/**
 * Neither a pool that is closed or gone, nor its quota, nor what the Service asks for now matters: it has the address,
 * and keeps it until it has another. Empty: nothing is lost.
 */
export function regain(input: RegainInput, service: Service, own: readonly Allocation[]): readonly Step[] {
  const { pools, taken, findService } = input
  const { families, optional } = wantedFamilies(service, pools.primaryFamily)
  const lacks = (family: Family): boolean =>
    (families.includes(family) || family === optional) && !own.some(({ address }) => address.family === family)
  const claim = claimOf(service, taken)
  const { namespace, name, ports, loadBalancerIP } = service
  const asked = { pool: undefined, address: undefined, loadBalancerIP }
  const holder: Holder = { namespace, name, generateName: '', claim, ports, asked }
  const drafts: Draft[] = []
  const steps: Step[] = []
  for (const address of service.ingress.filter(({ family }) => lacks(family))) {
    const record = taken.at(address)
    const draft = record === undefined ? draftOf(address, service, pools) : undefined
    if (draft !== undefined) drafts.push(draft)
    const shares = record !== undefined && record.holders.length > 0 && !isNamedIn(record, input.key)
    if (shares && sharingRefused(service, record, findService) === undefined)
      steps.push({ kind: 'bind', record, holder })
  }
  if (drafts.length > 0) steps.push({ kind: 'claim', candidates: [drafts], holder, regains: true })
  return steps
}

// An address that no Eip covers is ours when the Service still carries our label, else another provider's.
function draftOf(address: Ip, { labels }: Service, { eips }: Pools): Draft | undefined {
  const [eip] = [...eips.values()].filter((each) => spans(each, address)).toSorted((a, b) => (isOlder(a, b) ? -1 : 1))
  const label = labels[poolLabel]
  if (eip !== undefined) return { address, eip: eip.name, protocol: eip.protocol }
  return label === undefined ? undefined : { address, eip: label, protocol: 'bgp' }
}

function isNamedIn({ holders }: Allocation, key: string): boolean {
  return holders.some(({ namespace, name }) => `${namespace}/${name}` === key)
}
