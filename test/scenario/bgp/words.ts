// What the lines of a script say: settings, messages, paths.
import { type Family, type Ip, formatIp, formatPrefix, parseIp } from '../../../src/core/address/index.ts'
import type { Path } from '../../../src/core/bgp/index.ts'
import {
  type Attributes,
  type Capability,
  type Message,
  type Nlri,
  type Update,
  ceaseWithWords,
  describeNotification,
  endOfRibOf,
  keepalive,
  notification,
} from '../../../src/core/bgp/wire/index.ts'

const flags = [
  'passive',
  'graceful-restart',
  'notification',
  'two-octet',
  'refresh',
  'extended-message',
  'extended-next-hop',
  'restarted',
]

export function readWords(words: readonly string[]): Readonly<Record<string, string>> {
  const read: Record<string, string> = {}
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    read[word] = flags.includes(word) ? '' : (words[++i] ?? '')
  }
  return read
}

export function readFamilies(text: string): readonly Family[] {
  return text.split(',').map((family) => (family === '6' ? 6 : 4))
}

export function readMessage(word: string, rest: readonly string[]): Message {
  const [first = ''] = rest
  if (word === 'KEEPALIVE') return keepalive
  if (word === 'UPDATE') return { type: 'update', withdrawn: [], attributes: {}, nlri: [], faults: [] }
  if (word === 'ROUTE-REFRESH') return { type: 'routeRefresh', afi: first === '6' ? 2 : 1, subtype: 0, safi: 1 }
  if (word === 'NOTIFICATION') {
    const [code = 0, subcode = 0] = first.split('/').map(Number)
    const words = rest.slice(1).join(' ').replaceAll('"', '')
    return words === '' ? notification(code, subcode) : ceaseWithWords(subcode, words)
  }
  if (word !== 'OPEN') throw new Error(`a script knows no ${word}`)
  const words = readWords(rest)
  const as = Number(words['as'] ?? 65002)
  const capabilities: Capability[] = [
    ...readFamilies(words['families'] ?? '4').map(
      (family) => ({ name: 'multiprotocol', afi: family === 4 ? 1 : 2, safi: 1 }) as const,
    ),
    ...('two-octet' in words ? [] : [{ name: 'fourOctetAs', as } as const]),
    ...('refresh' in words ? [{ name: 'routeRefresh' } as const, { name: 'enhancedRouteRefresh' } as const] : []),
    ...('extended-message' in words ? [{ name: 'extendedMessage' } as const] : []),
    ...('extended-next-hop' in words
      ? [{ name: 'extendedNextHop', encodings: [{ afi: 1, safi: 1, nextHopAfi: 2 }] } as const]
      : []),
    ...('graceful-restart' in words
      ? [
          {
            ...({ name: 'gracefulRestart', restartTimeSeconds: 120, families: [] } as const),
            ...{ restarted: 'restarted' in words, notification: 'notification' in words },
          },
        ]
      : []),
    ...(words['add-path'] === undefined
      ? []
      : [
          {
            name: 'addPath',
            families: readFamilies(words['add-path']).map((family) => ({
              afi: family === 4 ? 1 : 2,
              safi: 1,
              send: false,
              receive: true,
            })),
          } as const,
        ]),
  ]
  return {
    type: 'open',
    version: 4,
    as: as > 0xffff ? 23456 : as,
    holdTimeSeconds: Number(words['hold'] ?? 90),
    routerId: ip(words['id'] ?? '192.0.2.2'),
    capabilities,
  }
}

export function readPath(text: string): Path {
  const [hop = '', ...rest] = text.split(' ')
  const { med, prepend } = readWords(rest)
  // Our own path is 1; another's identifier is the last number of its address.
  const id = hop === 'self' ? 1 : Number(hop.split(/[.:]/).at(-1))
  return {
    id,
    nextHop: hop === 'self' ? hop : ip(hop),
    attributes: {
      ...(med === undefined ? {} : { med: Number(med) }),
      ...(prepend === undefined ? {} : { asPathPrepend: Number(prepend) }),
    },
  }
}

export function describeMessage(message: Message): string {
  if (message.type === 'notification') return `NOTIFICATION ${describeNotification(message)}`
  if (message.type !== 'open') return message.type.toUpperCase()
  const names = message.capabilities.map((each) =>
    each.name === 'gracefulRestart' && each.restarted ? `${each.name}(restarted)` : each.name,
  )
  return `OPEN as ${message.as} hold ${message.holdTimeSeconds} id ${formatIp(message.routerId)} ${names.join(' ')}`
}

/** `isFull`: AS path, preference and communities too. */
export function describeUpdate(update: Update, isFull = false): string {
  const end = endOfRibOf(update)
  if (end !== undefined) return `end-of-rib ${end}`
  const { attributes, withdrawn, nlri } = update
  const name = ({ prefix, pathId }: Nlri): string => `${formatPrefix(prefix)}${pathId === 0 ? '' : `#${pathId}`}`
  const gone = [...withdrawn, ...(attributes.mpUnreach?.withdrawn ?? [])].map((each) => `-${name(each)}`)
  const come = [...nlri, ...(attributes.mpReach?.nlri ?? [])].map((each) => `+${name(each)}`)
  const nextHop = attributes.nextHop ?? attributes.mpReach?.nextHops[0]
  const via = nextHop === undefined ? [] : [`via ${formatIp(nextHop)}`]
  const med = attributes.med === undefined ? [] : [`med ${attributes.med}`]
  return [...gone, ...come, ...via, ...med, ...(isFull ? describeRest(attributes) : [])].join(' ')
}

function describeRest({ asPath, as4Path, localPref, communities }: Attributes): readonly string[] {
  const path = (segments: Attributes['asPath']): string =>
    (segments ?? []).flatMap(({ asNumbers }) => asNumbers).join(' ')
  const names = (communities ?? []).map((each) =>
    each === 0xffff_0000 ? 'GRACEFUL_SHUTDOWN' : `${each >>> 16}:${each & 0xffff}`,
  )
  return [
    ...(asPath === undefined ? [] : [`as-path ${path(asPath) || 'empty'}`]),
    ...(as4Path === undefined ? [] : [`as4-path ${path(as4Path)}`]),
    ...(localPref === undefined ? [] : [`local-pref ${localPref}`]),
    ...(names.length === 0 ? [] : [`community ${names.join(' ')}`]),
  ]
}

export function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (parsed === undefined) throw new Error(`no address: ${text}`)
  return parsed
}
