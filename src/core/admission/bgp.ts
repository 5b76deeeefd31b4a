// BgpConf and BgpPeer being created or changed (openelb-api.md 1.6). Only what a change brings is judged: a sentence that
// was true of the object before is not said again.
import {
  type BgpConf,
  type BgpPeer,
  type KubeObjectLike,
  type Reason,
  listAt,
  objectAt,
  peersNamespace,
  readBgpConf,
  readBgpPeer,
  stringAt,
} from '../model/index.ts'
import { type Judgement, allow } from './verdict.ts'

export function judgeBgpPeer(object: KubeObjectLike, oldObject?: KubeObjectLike): Judgement {
  const after = readBgpPeer(object)
  if (after.deleting) return allow
  const refusal = refusePeer(after, object)
  const before = oldObject === undefined ? undefined : readBgpPeer(oldObject)
  const stood = before === undefined || oldObject === undefined ? undefined : refusePeer(before, oldObject)
  if (refusal !== undefined && refusal.message !== stood?.message) return { kind: 'refuse', reason: refusal }
  const known = before === undefined || oldObject === undefined ? [] : warnOfPeer(before, oldObject)
  return { kind: 'allow', warnings: newOnes(warnOfPeer(after, object), known) }
}

export function judgeBgpConf(object: KubeObjectLike, oldObject?: KubeObjectLike): Judgement {
  const after = readBgpConf(object)
  if (after.deleting) return allow
  const known = oldObject === undefined ? [] : warnOfConf(readBgpConf(oldObject), oldObject)
  return { kind: 'allow', warnings: newOnes(warnOfConf(after, object), known) }
}

function refusePeer({ name, neighbor, peerAs }: BgpPeer, { spec }: KubeObjectLike): Reason | undefined {
  const conf = objectAt(spec, 'conf')
  const refuse = (message: string): Reason => ({ code: 'MalformedObject', message })
  if (Object.keys(conf).length === 0) {
    return refuse(
      `BgpPeer ${name} has no spec.conf, so there is no router to speak with; set neighborAddress and peerAs in it`,
    )
  }
  if (neighbor === undefined) {
    const text = stringAt(conf, 'neighborAddress')
    const what = text === undefined ? 'is missing' : `is "${text}", which is no IP address`
    return refuse(
      `field Spec.Conf.NeighborAddress invalid: it ${what} in BgpPeer ${name}; write the address of the router`,
    )
  }
  if (peerAs === 0) return refuse(`BgpPeer ${name} has no spec.conf.peerAs; write the AS number of the router`)
  if (stringAt(conf, 'authPassword') !== undefined && stringAt(conf, 'authPasswordSecretRef', 'name') !== undefined) {
    return refuse(
      `BgpPeer ${name} has both authPassword and authPasswordSecretRef in spec.conf, and only one password can count; remove authPassword`,
    )
  }
  return undefined
}

// Knobs of GoBGP that mean nothing to a speaker that only sends.
const unusedOfPeer: readonly (readonly string[])[] = [
  ...[
    'peerGroup',
    'vrf',
    'neighborInterface',
    'peerType',
    'removePrivateAs',
    'sendCommunity',
    'allowOwnAs',
    'routeFlapDamping',
    'replacePeerAs',
  ].map((knob) => ['conf', knob]),
  ...['remoteAddress', 'tcpMss', 'mtuDiscovery'].map((knob) => ['transport', knob]),
]
const unusedOfConf: readonly (readonly string[])[] = [['families'], ['useMultiplePaths'], ['policy']]
const unusedOfRestart: readonly (readonly string[])[] = [
  'deferralTime',
  'longlivedEnabled',
  'staleRoutesTime',
  'peerRestartTime',
  'peerRestarting',
  'localRestarting',
  'mode',
].map((knob) => ['gracefulRestart', knob])

function warnOfPeer({ name, password, families }: BgpPeer, { spec }: KubeObjectLike): readonly Reason[] {
  const found: Reason[] = []
  if (password?.kind === 'plain') {
    const message = `BgpPeer ${name} has its password in plain text, for everyone to read who may read BgpPeers; put it in a Secret of namespace ${peersNamespace} and name that in spec.conf.authPasswordSecretRef`
    found.push({ code: 'PasswordReadable', message })
  }
  const others = listAt(spec, 'afiSafis')
    .map(foreignFamily)
    .filter((text) => text !== undefined)
  if (others.length > 0) {
    const message = `BgpPeer ${name} asks for ${others.join(', ')} in spec.afiSafis, which is not offered to the router: only IPv4 and IPv6 unicast are; leave it out`
    found.push({ code: 'FieldUnused', message })
  }
  if (families.length === 0) {
    const message = `BgpPeer ${name} has no family left in spec.afiSafis, so nothing is announced to it; enable AFI_IP or AFI_IP6 with SAFI_UNICAST, or leave afiSafis out`
    found.push({ code: 'FamilyNotNegotiated', message })
  }
  return [...found, ...warnOfUnused(`BgpPeer ${name}`, spec, [...unusedOfPeer, ...unusedOfRestart])]
}

function foreignFamily(entry: unknown): string | undefined {
  const afi = stringAt(entry, 'config', 'family', 'afi')
  const safi = stringAt(entry, 'config', 'family', 'safi')
  const isOffered = [undefined, 'AFI_IP', 'AFI_IP6'].includes(afi) && [undefined, 'SAFI_UNICAST'].includes(safi)
  return isOffered ? undefined : [afi, safi].filter((part) => part !== undefined).join('/')
}

function warnOfConf({ name, as, routerId }: BgpConf, { spec }: KubeObjectLike): readonly Reason[] {
  if (name !== 'default') {
    const message = `BgpConf ${name} is not used: only the BgpConf named default counts; move what it says there`
    return [{ code: 'NotDefaultConf', message }]
  }
  const found: Reason[] = []
  if (as === 0) {
    const message = 'BgpConf default has no spec.as, so no session is opened; set it to the AS number of the speakers'
    found.push({ code: 'NoBgpConf', message })
  }
  if (routerId !== undefined) {
    const message =
      'spec.routerId of BgpConf default is the BGP identifier of every speaker, and a router may take two of them for one; leave it out: each speaker then uses the address of its node'
    found.push({ code: 'RouterIdShared', message })
  }
  return [...found, ...warnOfUnused(`BgpConf ${name}`, spec, [...unusedOfConf, ...unusedOfRestart])]
}

function warnOfUnused(what: string, spec: unknown, paths: readonly (readonly string[])[]): readonly Reason[] {
  const set = paths.filter((path) => isSet(objectAt(spec, ...path.slice(0, -1))[path.at(-1) ?? '']))
  if (set.length === 0) return []
  const names = set.map((path) => `spec.${path.join('.')}`).join(', ')
  const message = `${names} of ${what} ${set.length === 1 ? 'is' : 'are'} accepted for OpenELB manifests and without effect; leave ${set.length === 1 ? 'it' : 'them'} out`
  return [{ code: 'FieldUnused', message }]
}

// False, 0 and nothing mean the same as leaving the field out.
function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}

function newOnes(warnings: readonly Reason[], known: readonly Reason[]): readonly Reason[] {
  return warnings.filter(({ message }) => !known.some((one) => one.message === message))
}
