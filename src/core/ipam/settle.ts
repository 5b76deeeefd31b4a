// What is written once it is decided which of its records a Service goes by: it settles, keeps what it has, or is told why
// it has none. What is written already is left out, so a plan for a Service at rest is empty.
import { type Ip, sameIp } from '../address/index.ts'
import type { Allocation, Condition, Holder, Reason, Service } from '../model/index.ts'
import { assignedAs, keptInstead } from '../status/service.ts'
import { claimOf, findHolder, fit } from './own.ts'
import { type ServiceRequest, nameOf } from './request.ts'
import { type Step, assigned, released } from './steps.ts'
import type { Taken } from './taken.ts'
import { type WithheldInput, homeOf } from './withheld.ts'
import { patchAssigned, patchBond } from './written.ts'

export interface SettleInput extends WithheldInput {
  readonly taken: Taken
}

/**
 * Everything is had, or (`lacking`) one of two: rows 6 and 7, and the end of row 9 (what is not wanted any more is let
 * go, after the status moved).
 */
export function settle(
  input: SettleInput,
  service: Service,
  own: readonly Allocation[],
  fitting: readonly Allocation[],
  request: ServiceRequest,
  lacking?: Reason,
): readonly Step[] {
  const { key, pools } = input
  const wanted = fitting.map(({ address }) => address)
  const moved = wanted.length !== service.ingress.length || wanted.some((ip, at) => !sameIpAt(service.ingress, at, ip))
  const claim = claimOf(service, input.taken)
  const fits = fit(fitting, request, pools).fitting.length === fitting.length
  const keeps = lacking !== undefined && !fits
  const conditions = keeps ? keptInstead(fitting, lacking) : assignedAs(fitting, pools, service, lacking)
  const patch = keeps ? patchBond(service, fitting, claim) : patchAssigned(service, fitting, claim, request.asked)
  const steps: Step[] = [...unbound(input, service, fitting, keeps ? undefined : request)]
  if (patch.length > 0) steps.push({ kind: 'writeMetadata', patch })
  if (moved || !saysAlready(service, conditions)) {
    steps.push({ kind: 'writeStatus', ingress: moved ? wanted : undefined, conditions })
  }
  for (const { address } of fitting) {
    if (!service.ingress.some((ip) => sameIp(ip, address))) steps.push(assigned(address))
  }
  for (const record of own) {
    if (!fitting.includes(record)) steps.push({ kind: 'release', record, key }, released(record))
  }
  return steps
}

/**
 * Entries that say something old: the name was generated after the claim, what was asked or the ports have changed since,
 * or the address was kept for a Service that is back, or is of another Eip now.
 */
export function unbound(
  input: SettleInput,
  service: Service,
  own: readonly Allocation[],
  request?: ServiceRequest,
): readonly Step[] {
  return own.flatMap((record): readonly Step[] => {
    const holder = findHolder(record, input.key, service)
    if (holder === undefined) return []
    const asked = request?.asked ?? holder.asked
    const wanted = { ...holder, name: service.name, generateName: '', ports: service.ports, asked }
    const home = homeOf(record, service, input.pools)
    const moves = home !== undefined && home.name !== record.eip
    if (sameHolder(holder, wanted) && record.retainedUntil === undefined && !moves) return []
    return [{ kind: 'bind', record, holder: wanted, ...(moves ? { home } : {}) }]
  })
}

function sameHolder(a: Holder, b: Holder): boolean {
  const text = ({ name, claim, ports, asked }: Holder): string =>
    JSON.stringify([
      ...[name, claim, ports.map(({ port, protocol }) => [port, protocol])],
      ...[asked.pool, asked.address, asked.protocol],
    ])
  return text(a) === text(b)
}

/** One address of each family is kept: what others hold leaves the status, what was claimed besides is let go. */
export function keep(
  { key, taken }: SettleInput,
  service: Service,
  own: readonly Allocation[],
  reason: Reason,
): readonly Step[] {
  const kept = own.filter(({ address }, at) => own.findIndex((each) => each.address.family === address.family) === at)
  const held = kept.map(({ address }) => address)
  const still = service.ingress.filter((ip) => held.some((other) => sameIp(ip, other)))
  const moved = still.length === 0 || still.length < service.ingress.length
  const conditions = keptInstead(kept, reason)
  const patch = patchBond(service, kept, claimOf(service, taken))
  const steps: Step[] = patch.length > 0 ? [{ kind: 'writeMetadata', patch }] : []
  if (moved || !saysAlready(service, conditions)) {
    const ingress = still.length === 0 ? held : still
    const message = conditions[0]?.message ?? ''
    steps.push({ kind: 'writeStatus', ingress: moved ? ingress : undefined, conditions })
    steps.push({ kind: 'event', type: 'Warning', reason: 'AssignIPFailed', message })
  }
  for (const record of own) if (!kept.includes(record)) steps.push({ kind: 'release', record, key }, released(record))
  return steps
}

/** `foreign` addresses leave the status: two Services must not be announced at one. */
export function refuse(service: Service, conditions: readonly Condition[], foreign: readonly Ip[]): readonly Step[] {
  const ingress =
    foreign.length === 0 ? undefined : service.ingress.filter((ip) => !foreign.some((other) => sameIp(other, ip)))
  if (ingress === undefined && saysAlready(service, conditions)) return []
  return [
    { kind: 'writeStatus', ingress, conditions },
    { kind: 'event', type: 'Warning', reason: 'AssignIPFailed', message: conditions[0]?.message ?? nameOf(service) },
  ]
}

function saysAlready(service: Service, wanted: readonly Condition[]): boolean {
  return wanted.every((condition) =>
    service.conditions.some(
      ({ type, status, reason, message }) =>
        type === condition.type &&
        status === condition.status &&
        reason === condition.reason &&
        message === condition.message,
    ),
  )
}

function sameIpAt(ips: readonly Ip[], at: number, ip: Ip): boolean {
  const other = ips[at]
  return other !== undefined && sameIp(other, ip)
}
