// Sharing one address (openelb-api.md 1.3): by naming an address in use, with the consent of both sides.
import { formatIp } from '../address/index.ts'
import { type Allocation, type Reason, type Service, type ServicePort, sharingKeyAnnotation } from '../model/index.ts'

/**
 * The Service that a holder names; undefined: it is not stored (any more). The webhook keeps no Services and answers
 * `unknown`: it then goes by what the record knows, and the controller, who sees both, has the last word.
 */
export type HolderService = (namespace: string, name: string) => Service | 'unknown' | undefined

/** Why the Service may not join the holders of the record; undefined: it may. */
export function sharingRefused(service: Service, record: Allocation, find: HolderService): Reason | undefined {
  const address = formatIp(record.address)
  const others = record.holders.filter(
    ({ namespace, name }) => namespace !== service.namespace || name !== service.name,
  )
  for (const holder of others) {
    // A holder elsewhere is not named to those who may not see it.
    const who =
      holder.namespace === service.namespace ? `Service ${holder.namespace}/${holder.name}` : 'another Service'
    const remedy = 'ask for another address, or let both share it (annotation bellhop.dev/sharing-key)'
    const taken: Reason = { code: 'AddressTaken', message: `${address} is held by ${who}; ${remedy}` }
    const other = find(holder.namespace, holder.name)
    if (other === undefined) return taken
    const key = service.annotations[sharingKeyAnnotation]
    if (other === 'unknown') {
      const mayConsent = holder.namespace === service.namespace || sharingKeyAnnotation in service.annotations
      if (!mayConsent) return taken
      const known = portCollision(service.ports, holder.ports, address, who)
      if (known !== undefined) return known
      continue
    }
    const consent =
      holder.namespace === service.namespace || (key !== undefined && key === other.annotations[sharingKeyAnnotation])
    if (!consent) return taken
    if (!samePolicy(service, other)) {
      const message = `${address} is held by ${who}, and two share one only with policy Cluster, or with policy Local and the same selector; make spec.externalTrafficPolicy and spec.selector alike, or ask for another address`
      return { code: 'AddressTaken', message }
    }
    const collision = portCollision(service.ports, other.ports, address, who)
    if (collision !== undefined) return collision
  }
  return undefined
}

function portCollision(
  ports: readonly ServicePort[],
  theirs: readonly ServicePort[],
  address: string,
  who: string,
): Reason | undefined {
  const same = ports.find((port) =>
    theirs.some((other) => other.port === port.port && other.protocol === port.protocol),
  )
  if (same === undefined) return undefined
  const message = `${address} has port ${same.port}/${same.protocol} in use by ${who}; use another port or another address`
  return { code: 'PortCollision', message }
}

// Both Cluster, or both Local with the same pods: otherwise a node would be next hop for one and not for the other.
function samePolicy(a: Service, b: Service): boolean {
  if (a.externalTrafficPolicy !== b.externalTrafficPolicy) return false
  if (a.externalTrafficPolicy === 'Cluster') return true
  const text = (selector: Readonly<Record<string, string>>): string =>
    JSON.stringify(Object.entries(selector).toSorted(([x], [y]) => (x < y ? -1 : 1)))
  return Object.keys(a.selector).length > 0 && text(a.selector) === text(b.selector)
}

/**
 * What in a change of a Service ends the sharing of an address that it shares now, as a clause of a sentence; undefined:
 * nothing. The others are known by their entries in the record alone.
 */
export function breaksSharing(before: Service, after: Service, record: Allocation): string | undefined {
  const others = record.holders.filter(({ namespace, name }) => namespace !== after.namespace || name !== after.name)
  if (others.length === 0) return undefined
  const address = formatIp(record.address)
  for (const { namespace, name, ports } of others) {
    const who = namespace === after.namespace ? `Service ${namespace}/${name}` : 'another Service'
    const used = (service: Service): Reason | undefined => portCollision(service.ports, ports, address, who)
    if (used(before) === undefined && used(after) !== undefined) return `one of its ports is in use there by ${who}`
  }
  const key = (service: Service): string | undefined => service.annotations[sharingKeyAnnotation]
  const needsKey = others.some(({ namespace }) => namespace !== after.namespace)
  if (needsKey && key(before) !== key(after)) return `annotation ${sharingKeyAnnotation} must stay the same`
  if (before.externalTrafficPolicy !== after.externalTrafficPolicy)
    return 'spec.externalTrafficPolicy must stay the same'
  return samePolicy(before, after) ? undefined : 'spec.selector must stay the same with policy Local'
}
