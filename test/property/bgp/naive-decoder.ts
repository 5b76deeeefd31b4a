// A second decoder, written from the RFCs in another manner: lists of octets that are eaten from the front, no
// speed, no sharing. It says less about damage than the real one: which NOTIFICATIONs would be right, not which is sent.
import { type Fault, type NaiveContext, decodeAttributes } from './naive-attributes.ts'
import { type Octets, hex, number, pieces, prefixes } from './naive-octets.ts'

export type NaiveOutcome =
  | { readonly kind: 'needs-more' }
  /** Code and the subcodes any of which is right. */
  | { readonly kind: 'notification'; readonly code: number; readonly subcodes: readonly number[] }
  | { readonly kind: 'message'; readonly message: unknown }

const mostStandard = 4096

export function decodeNaively(bytes: Octets, context: NaiveContext, maximum: number): NaiveOutcome {
  if (bytes.slice(0, 16).some((octet) => octet !== 255)) return refuse(1, 1)
  if (bytes.length < 19) return { kind: 'needs-more' }
  const length = number(bytes.slice(16, 18))
  const type = bytes[18] ?? 0
  if (type < 1 || type > 5) return refuse(1, 3)
  // RFC 4271 §6.1; a ROUTE-REFRESH has an error of its own (RFC 7313 §5).
  const least = { 1: 29, 2: 23, 3: 21, 4: 19, 5: 19 }[type] ?? 19
  const most = type === 4 ? 19 : type === 1 ? mostStandard : maximum
  if (length < least || length > most) return refuse(1, 2)
  if (bytes.length < length) return { kind: 'needs-more' }
  const body = bytes.slice(19, length)
  if (type === 1) return decodeOpen(body)
  if (type === 2) return decodeUpdate(body, context)
  if (type === 3) return tell({ type: 'notification', code: body[0], subcode: body[1], data: hex(body.slice(2)) })
  if (type === 4) return tell({ type: 'keepalive' })
  if (body.length !== 4) return refuse(7, 1)
  return tell({ type: 'routeRefresh', afi: number(body.slice(0, 2)), subtype: body[2], safi: body[3] })
}

function decodeOpen(body: Octets): NaiveOutcome {
  if (body[0] !== 4) return refuse(2, 1)
  const capabilities: unknown[] = []
  let parameters = body.slice(10)
  let total = body[9] ?? 0
  const isExtended = total !== 0 && parameters[0] === 255
  if (isExtended) {
    if (parameters.length < 3) return refuse(2, 0)
    total = number(parameters.slice(1, 3))
    parameters = parameters.slice(3)
  }
  if (total !== parameters.length) return refuse(2, 0)
  while (parameters.length > 0) {
    const head = isExtended ? 3 : 2
    if (parameters.length < head) return refuse(2, 0)
    const length = number(parameters.slice(1, head))
    if (parameters.length < head + length) return refuse(2, 0)
    if (parameters[0] !== 2) return refuse(2, 4)
    let list = parameters.slice(head, head + length)
    parameters = parameters.slice(head + length)
    while (list.length > 0) {
      const [code = 0, size] = list
      if (size === undefined || list.length < 2 + size) return refuse(2, 0)
      capabilities.push(capability(code, list.slice(2, 2 + size)))
      list = list.slice(2 + size)
    }
  }
  return tell({
    type: 'open',
    version: 4,
    as: number(body.slice(1, 3)),
    holdTimeSeconds: number(body.slice(3, 5)),
    routerId: hex(body.slice(5, 9)),
    capabilities,
  })
}

function capability(code: number, value: Octets): unknown {
  const other = { name: 'other', code, value: hex(value) }
  const [a = 0, b = 0, , d = 0] = value
  if (code === 1) return value.length === 4 ? { name: 'multiprotocol', afi: a * 256 + b, safi: d } : other
  if (code === 2) return value.length === 0 ? { name: 'routeRefresh' } : other
  if (code === 6) return value.length === 0 ? { name: 'extendedMessage' } : other
  if (code === 70) return value.length === 0 ? { name: 'enhancedRouteRefresh' } : other
  if (code === 65) return value.length === 4 ? { name: 'fourOctetAs', as: number(value) } : other
  if (code === 5) {
    if (value.length % 6 !== 0) return other
    const encodings = pieces(value, 6).map((each) => {
      const [afi, safi, nextHopAfi] = pieces(each, 2).map(number)
      return { afi, safi, nextHopAfi }
    })
    return { name: 'extendedNextHop', encodings }
  }
  if (code === 69) {
    if (value.length % 4 !== 0) return other
    const families = pieces(value, 4).flatMap(([high = 0, low = 0, safi, mode = 0]) =>
      mode < 1 || mode > 3 ? [] : [{ afi: high * 256 + low, safi, receive: mode !== 2, send: mode !== 1 }],
    )
    return { name: 'addPath', families }
  }
  if (code !== 64 || value.length < 2 || value.length % 4 !== 2) return other
  return {
    name: 'gracefulRestart',
    restarted: a >= 128,
    notification: a % 128 >= 64,
    restartTimeSeconds: (a % 16) * 256 + b,
    families: pieces(value.slice(2), 4).map(([high = 0, low = 0, safi, flags = 0]) => ({
      afi: high * 256 + low,
      safi,
      forwardingPreserved: flags >= 128,
    })),
  }
}

function decodeUpdate(body: Octets, context: NaiveContext): NaiveOutcome {
  const withdrawnLength = number(body.slice(0, 2))
  const attributesLength = number(body.slice(2 + withdrawnLength, 4 + withdrawnLength))
  if (body.length < 4 + withdrawnLength + attributesLength) return refuse(3, 1)
  const withIds = context.addPath.includes(4)
  const withdrawn = prefixes(body.slice(2, 2 + withdrawnLength), 32, withIds)
  const nlri = prefixes(body.slice(4 + withdrawnLength + attributesLength), 32, withIds)
  const faults: Fault[] = []
  if (withdrawn === undefined || nlri === undefined) faults.push({ class: 'session-reset', subcode: 10 })
  const field = body.slice(4 + withdrawnLength, 4 + withdrawnLength + attributesLength)
  const { known, unknown, reach, unreach } = decodeAttributes(field, context, faults)
  const isReaching = (nlri ?? []).length > 0 || reach !== undefined
  if (isReaching && !faults.some((fault) => fault.class === 'treat-as-withdraw')) {
    for (const [name, isNeeded] of [
      ['origin', true],
      ['asPath', true],
      ['nextHop', (nlri ?? []).length > 0],
    ] as const) {
      if (isNeeded && !(name in known)) faults.push({ class: 'treat-as-withdraw', subcode: 3 })
    }
  }
  const resets = faults.filter((fault) => fault.class === 'session-reset')
  if (resets.length > 0) return { kind: 'notification', code: 3, subcodes: resets.map(({ subcode }) => subcode) }
  const withdraws = faults.filter((fault) => fault.class === 'treat-as-withdraw')
  const told = { type: 'update', faults: faults.map((fault) => `${fault.class} ${fault.subcode}`) }
  if (withdraws.length === 0) {
    const attributes = { ...known, ...(unknown.length > 0 ? { unknown } : {}) }
    return tell({ ...told, withdrawn, attributes, nlri })
  }
  // RFC 7606 §5.2: no route in it that could be withdrawn.
  const hasRoutes =
    (nlri ?? []).length > 0 || (reach !== undefined && (reach.family === undefined || reach.prefixes.length > 0))
  if (!hasRoutes) return { kind: 'notification', code: 3, subcodes: withdraws.map(({ subcode }) => subcode) }
  const gone = (family: 4 | 6): readonly string[] => [
    ...(family === 4 ? [...(withdrawn ?? []), ...(nlri ?? [])] : []),
    ...(reach?.family === family ? reach.prefixes : []),
    ...(unreach?.family === family ? unreach.prefixes : []),
  ]
  const mpUnreach = { afi: 2, safi: 1, withdrawn: gone(6) }
  return tell({ ...told, withdrawn: gone(4), attributes: gone(6).length > 0 ? { mpUnreach } : {}, nlri: [] })
}

function refuse(code: number, subcode: number): NaiveOutcome {
  return { kind: 'notification', code, subcodes: [subcode] }
}

function tell(message: unknown): NaiveOutcome {
  return { kind: 'message', message }
}
