// The path attributes as the RFCs have them: one table, one rule an attribute.
import { type Octets, hex, number, pieces, prefixes } from './naive-octets.ts'

export interface NaiveContext {
  readonly fourOctetAs: boolean
  readonly addPath: readonly (4 | 6)[]
  readonly external: boolean
}

export interface Fault {
  readonly class: 'session-reset' | 'treat-as-withdraw' | 'attribute-discard'
  readonly subcode: number
}

export interface Reach {
  readonly family: 4 | 6 | undefined
  readonly prefixes: readonly string[]
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

export function decodeAttributes(field: Octets, context: NaiveContext, faults: Fault[]) {
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
