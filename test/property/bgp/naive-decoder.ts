// A second decoder, written from the RFCs without a look at the first: lists of octets that are eaten from the front, no
// speed, no sharing. It says less about damage than the real one: which NOTIFICATIONs would be right, not which is sent.

export interface NaiveContext {
  readonly fourOctetAs: boolean
  readonly addPath: readonly (4 | 6)[]
  readonly external: boolean
}

export type NaiveOutcome =
  | { readonly kind: 'needs-more' }
  /** Code and the subcodes any of which is right. */
  | { readonly kind: 'notification'; readonly code: number; readonly subcodes: readonly number[] }
  | { readonly kind: 'message'; readonly message: unknown }

type Octets = readonly number[]

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

interface Fault {
  readonly class: 'session-reset' | 'treat-as-withdraw' | 'attribute-discard'
  readonly subcode: number
}

interface Reach {
  readonly family: 4 | 6 | undefined
  readonly prefixes: readonly string[]
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

interface Rule {
  readonly name: string
  readonly flags: number
  readonly class: Fault['class']
  readonly lengths: (length: number) => boolean
  readonly subcode: number
  readonly read: (value: Octets) => unknown
}

function rules({ fourOctetAs, addPath }: NaiveContext): ReadonlyMap<number, Rule> {
  const wide = fourOctetAs ? 4 : 2
  const times = (size: number) => (length: number) => length > 0 && length % size === 0
  const rule = (
    name: string,
    flags: number,
    errorClass: Fault['class'],
    lengths: Rule['lengths'],
    read: Rule['read'],
    subcode = 9,
  ): Rule => ({ name, flags, class: errorClass, lengths, read, subcode })
  const withdraw = 'treat-as-withdraw'
  const discard = 'attribute-discard'
  return new Map<number, Rule>([
    [
      1,
      rule(
        'origin',
        0x40,
        withdraw,
        (n) => n === 1,
        ([code = 0]) => (code < 3 ? code : undefined),
        6,
      ),
    ],
    [
      2,
      rule(
        'asPath',
        0x40,
        withdraw,
        () => true,
        (value) => segments(value, wide),
        11,
      ),
    ],
    [3, rule('nextHop', 0x40, withdraw, (n) => n === 4, hostAddress, 8)],
    [4, rule('med', 0x80, withdraw, (n) => n === 4, number)],
    [5, rule('localPref', 0x40, withdraw, (n) => n === 4, number)],
    [
      6,
      rule(
        'atomicAggregate',
        0x40,
        discard,
        (n) => n === 0,
        () => true,
      ),
    ],
    [
      7,
      rule(
        'aggregator',
        0xc0,
        discard,
        (n) => n === wide + 4,
        (value) => aggregator(value, wide),
      ),
    ],
    [8, rule('communities', 0xc0, withdraw, times(4), (value) => pieces(value, 4).map(number))],
    [9, rule('originatorId', 0x80, withdraw, (n) => n === 4, hex)],
    [10, rule('clusterList', 0x80, withdraw, times(4), (value) => pieces(value, 4).map(hex))],
    [
      14,
      rule(
        'mpReach',
        0x80,
        'session-reset',
        (n) => n >= 5,
        (value) => reachable(value, addPath),
      ),
    ],
    [
      15,
      rule(
        'mpUnreach',
        0x80,
        'session-reset',
        (n) => n >= 3,
        (value) => unreachable(value, addPath),
      ),
    ],
    [16, rule('extendedCommunities', 0xc0, withdraw, times(8), (value) => pieces(value, 8).map(hex))],
    [
      17,
      rule(
        'as4Path',
        0xc0,
        discard,
        (n) => n >= 6 && n % 2 === 0,
        (value) => withoutConfederations(value),
      ),
    ],
    [
      18,
      rule(
        'as4Aggregator',
        0xc0,
        discard,
        (n) => n === 8,
        (value) => aggregator(value, 4),
      ),
    ],
    [25, rule('ipv6ExtendedCommunities', 0xc0, withdraw, times(20), (value) => pieces(value, 20).map(hex))],
    [
      32,
      rule('largeCommunities', 0xc0, withdraw, times(12), (value) =>
        pieces(value, 12).map((each) => pieces(each, 4).map(number)),
      ),
    ],
  ])
}

function decodeAttributes(field: Octets, context: NaiveContext, faults: Fault[]) {
  const known: Record<string, unknown> = {}
  const unknown: unknown[] = []
  const seen = new Set<number>()
  let reach: Reach | undefined
  let unreach: Reach | undefined
  const table = rules(context)
  let rest = field
  while (rest.length > 0) {
    const [flags = 0, type = 0] = rest
    const isMp = type === 14 || type === 15
    const head = Math.floor(flags / 16) % 2 === 1 ? 4 : 3
    const length = number(rest.slice(2, head))
    if (rest.length < head || rest.length < head + length) {
      faults.push({ class: isMp ? 'session-reset' : 'treat-as-withdraw', subcode: 1 })
      break
    }
    const value = rest.slice(head, head + length)
    rest = rest.slice(head + length)
    const rule = table.get(type)
    if (seen.has(type)) faults.push({ class: isMp ? 'session-reset' : 'attribute-discard', subcode: 1 })
    else if (rule === undefined && flags < 128) faults.push({ class: 'session-reset', subcode: 2 })
    else if (rule === undefined) unknown.push({ flags, type, value: hex(value) })
    else if (!isIgnored(type, context)) {
      const fault = readAttribute(rule, flags, value, known)
      if (fault !== undefined) faults.push(fault)
      else if (type === 14) reach = familyAndPrefixes(known['mpReach'], 'nlri')
      else if (type === 15) unreach = familyAndPrefixes(known['mpUnreach'], 'withdrawn')
    }
    seen.add(type)
  }
  return { known, unknown, reach, unreach }
}

function isIgnored(type: number, { external, fourOctetAs }: NaiveContext): boolean {
  return (external && [5, 9, 10].includes(type)) || (fourOctetAs && [17, 18].includes(type))
}

function readAttribute(rule: Rule, flags: number, value: Octets, known: Record<string, unknown>): Fault | undefined {
  if (flags - (flags % 64) !== rule.flags) {
    return { class: rule.class === 'session-reset' ? rule.class : 'treat-as-withdraw', subcode: 4 }
  }
  if (!rule.lengths(value.length)) return { class: rule.class, subcode: 5 }
  const read = rule.read(value)
  if (read === undefined) return { class: rule.class, subcode: rule.subcode }
  known[rule.name] = read
  return undefined
}

function familyAndPrefixes(value: unknown, field: 'nlri' | 'withdrawn'): Reach {
  const read = value as { afi: number; safi: number; nlri?: string[]; withdrawn?: string[] }
  const family = read.safi !== 1 ? undefined : read.afi === 1 ? 4 : read.afi === 2 ? 6 : undefined
  return { family, prefixes: read[field] ?? [] }
}

function reachable(value: Octets, addPath: readonly number[]): unknown {
  const { afi, safi, family } = familyOf(value)
  if (family === undefined) return { afi, safi, nextHops: [], nlri: [], opaque: hex(value.slice(3)) }
  const length = value[3] ?? 0
  const hops = value.slice(4, 4 + length)
  const isGood = hops.length === length && (length === 16 || length === 32 || (length === 4 && family === 4))
  if (!isGood || value.length < 5 + length) return undefined
  const nlri = prefixes(value.slice(5 + length), family === 4 ? 32 : 128, addPath.includes(family))
  return nlri && { afi, safi, nextHops: pieces(hops, length === 4 ? 4 : 16).map(hex), nlri }
}

function unreachable(value: Octets, addPath: readonly number[]): unknown {
  const { afi, safi, family } = familyOf(value)
  if (family === undefined) return { afi, safi, withdrawn: [], opaque: hex(value.slice(3)) }
  const withdrawn = prefixes(value.slice(3), family === 4 ? 32 : 128, addPath.includes(family))
  return withdrawn && { afi, safi, withdrawn }
}

function familyOf(value: Octets): { readonly afi: number; readonly safi: number; readonly family: 4 | 6 | undefined } {
  const afi = number(value.slice(0, 2))
  const safi = value[2] ?? 0
  return { afi, safi, family: safi === 1 && afi === 1 ? 4 : safi === 1 && afi === 2 ? 6 : undefined }
}

/** Each as `bits/length#identifier`; undefined when they do not add up. */
function prefixes(octets: Octets, width: number, withIds: boolean): readonly string[] | undefined {
  const list: string[] = []
  let rest = octets
  while (rest.length > 0) {
    const head = withIds ? 5 : 1
    if (rest.length < head) return undefined
    const id = withIds ? number(rest.slice(0, 4)) : 0
    const length = rest[head - 1] ?? 0
    const size = Math.ceil(length / 8)
    if (length > width || rest.length < head + size) return undefined
    const bits = rest
      .slice(head, head + size)
      .map((octet) => octet.toString(2).padStart(8, '0'))
      .join('')
    list.push(`${bits.slice(0, length)}/${length}#${id}`)
    rest = rest.slice(head + size)
  }
  return list
}

function segments(
  value: Octets,
  wide: number,
): readonly { readonly type: number; readonly asNumbers: number[] }[] | undefined {
  const list: { type: number; asNumbers: number[] }[] = []
  let rest = value
  while (rest.length > 0) {
    const [type = 0, count = 0] = rest
    if (rest.length < 2 || type < 1 || type > 4 || count === 0 || rest.length < 2 + count * wide) return undefined
    list.push({ type, asNumbers: pieces(rest.slice(2, 2 + count * wide), wide).map(number) })
    rest = rest.slice(2 + count * wide)
  }
  return list
}

function withoutConfederations(value: Octets): unknown {
  return segments(value, 4)?.filter(({ type }) => type === 1 || type === 2)
}

function aggregator(value: Octets, wide: number): unknown {
  return { as: number(value.slice(0, wide)), ip: hex(value.slice(wide)) }
}

function hostAddress(value: Octets): string | undefined {
  const first = value[0] ?? 0
  return first === 0 || first === 127 || first >= 224 ? undefined : hex(value)
}

function pieces(octets: Octets, size: number): readonly Octets[] {
  return Array.from({ length: Math.ceil(octets.length / size) }, (_, i) => octets.slice(i * size, (i + 1) * size))
}

function number(octets: Octets): number {
  return octets.reduce((sum, octet) => sum * 256 + octet, 0)
}

function hex(octets: Octets): string {
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join('')
}

function refuse(code: number, subcode: number): NaiveOutcome {
  return { kind: 'notification', code, subcodes: [subcode] }
}

function tell(message: unknown): NaiveOutcome {
  return { kind: 'message', message }
}
