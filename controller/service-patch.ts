// What is written to /status of a Service: its ingress and our conditions, nothing that others wrote (RFC 6902).
import { type Ip, formatIp } from '../src/core/address/index.ts'
import type { JsonPatch } from '../src/core/admission/json-patch.ts'
import { type Condition, type Service, advertisedCondition, assignedCondition } from '../src/core/model/index.ts'
import { conditionOperations } from './conditions.ts'

/**
 * `ingress` undefined: it stays. The Service is the one meant only while it has this UID. ipMode VIP: kube-proxy takes
 * the packets at every node (KEP-1860).
 */
export function statusPatch(
  service: Service,
  ingress: readonly Ip[] | undefined,
  conditions: readonly Condition[],
  wallMs: number,
): JsonPatch {
  const entries = ingress?.map((ip) => ({ ip: formatIp(ip), ipMode: 'VIP' }))
  const value = entries === undefined || entries.length === 0 ? {} : { ingress: entries }
  return [
    uidTest(service),
    ...(entries === undefined ? [] : [{ op: 'add' as const, path: '/status/loadBalancer', value }]),
    ...conditionOperations(service.conditions, conditions, wallMs),
  ]
}

/** For a Service that is ours no longer: addresses and conditions of ours go. */
export function clearedStatusPatch(service: Service, clearIngress: boolean): JsonPatch {
  const ours = service.conditions
    .map(({ type }, at) => ({ type, path: `/status/conditions/${at}` }))
    .filter(({ type }) => type === assignedCondition || type === advertisedCondition)
  return [
    uidTest(service),
    ...(clearIngress ? [{ op: 'add' as const, path: '/status/loadBalancer', value: {} }] : []),
    ...ours.toReversed().flatMap(({ type, path }): JsonPatch => [
      { op: 'test', path: `${path}/type`, value: type },
      { op: 'remove', path },
    ]),
  ]
}

/** Whether the patch does anything beyond its tests. */
export function changesAnything(patch: JsonPatch): boolean {
  return patch.some(({ op }) => op !== 'test')
}

function uidTest({ uid }: Service): JsonPatch[number] {
  return { op: 'test', path: '/metadata/uid', value: uid }
}
