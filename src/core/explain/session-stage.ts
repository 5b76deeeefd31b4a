// The stage of the sessions: which speakers live, and which routers they have a session with.
import type { Advertised, SpeakerProgress } from '../announce/index.ts'
import type { ReasonCode, SessionStatus } from '../model/index.ts'
import { type Stage, counted, fail, listed, ok, unknown, warn } from './stage.ts'
import { formatAge, millisOf } from './time.ts'
import { type ClusterView, isKnown } from './view.ts'

const ofSessions: readonly ReasonCode[] = [
  'NoSpeaker',
  'NoPeer',
  'NoBgpConf',
  'NoSession',
  'PeerNotSelected',
  'FamilyNotNegotiated',
]
/** Lines below the sentence: one screen is all there is. */
const mostLines = 8

/** `named`: the peers that the Eip names; empty: all. */
export function sessionStage({ status, reason }: Advertised, named: readonly string[], view: ClusterView): Stage {
  if (!isKnown(view, 'speakers')) return unknown('sessions', 'Speakers could not be read')
  const { readAtMs } = view.cluster
  const speakers = [...view.speakers].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const alive = speakers.filter(([, speaker]) => speaker.alive)
  const silent = speakers.filter(([, speaker]) => !speaker.alive).map(([node]) => node)
  const sessions = alive.flatMap(([node, { status }]) => status.sessions.map((session) => ({ node, session })))
  const down = sessions.filter(({ session }) => session.state !== 'ESTABLISHED')
  const missed = down.filter(({ session: { peer } }) => {
    return (named.length === 0 || named.includes(peer)) && view.peers.get(peer)?.adminDown !== true
  })
  const lines = [
    ...(silent.length === 0
      ? []
      : [
          `the ${silent.length === 1 ? 'speaker' : 'speakers'} of ${listed(silent)} ${silent.length === 1 ? 'is' : 'are'} silent`,
        ]),
    ...down.map(({ node, session }) => downLine(node, session, readAtMs)),
  ]
  const details =
    lines.length > mostLines ? [...lines.slice(0, mostLines), `and ${lines.length - mostLines} more`] : lines
  if (status === 'False' && ofSessions.includes(reason.code)) {
    const { code, message } = better(alive, reason, view)
    const up = sessions.filter(({ session }) => session.state === 'ESTABLISHED')
    const families = code === 'FamilyNotNegotiated' ? up.map(({ node, session }) => familyLine(node, session)) : []
    return fail('sessions', code, message, [...details, ...families.slice(0, mostLines)])
  }
  const up = counted(sessions.length - down.length, 'session')
  const says = `${up} established by ${counted(alive.length, 'speaker')}`
  if (missed.length > 0) return warn('sessions', 'SessionDown', `${says}, ${missed.length} down`, details)
  return silent.length > 0 ? warn('sessions', 'SpeakerSilent', says, details) : ok('sessions', says)
}

// What the controller sees is that no speaker has a peer or a session; why stands in the configuration, or is said by the
// speaker of a session that it did not open.
function better(
  alive: readonly (readonly [string, SpeakerProgress])[],
  reason: Advertised['reason'],
  { cluster: { confs, peers, unread } }: ClusterView,
): Advertised['reason'] {
  if (reason.code === 'NoSession') {
    const unopened = alive.flatMap(([, { status }]) => status.sessions).find((session) => session.reason !== undefined)
    if (unopened?.reason === undefined) return reason
    return { code: unopened.reason, message: `no BGP session is established: ${unopened.lastError ?? ''}` }
  }
  if (reason.code !== 'NoPeer') return reason
  const isRead = !unread.some(({ part }) => part === 'bgpconfs' || part === 'bgppeers')
  const conf = confs.find(({ name, ownedByCni }) => name === 'default' && !ownedByCni)
  if (isRead && conf === undefined) {
    return { code: 'NoBgpConf', message: 'there is no BgpConf named default, so no speaker opens a session' }
  }
  if (isRead && conf?.as === 0 && conf.asPerRack.size === 0) {
    return { code: 'NoBgpConf', message: 'BgpConf default has no AS number (spec.as), so no speaker opens a session' }
  }
  if (isRead && peers.length === 0) return { code: 'NoPeer', message: 'there is no BgpPeer: no router to tell' }
  const nodes = listed(alive.map(([node]) => node))
  const whose = peers.length === 1 ? 'the only BgpPeer' : `each of the ${peers.length} BgpPeers`
  return {
    code: 'NoPeer',
    message: `${whose} is meant for other nodes than ${nodes}, where speakers run`,
  }
}

/** `master → leaf1 (192.168.0.2): ACTIVE for 3m: connection refused`. */
export function downLine(node: string, session: SessionStatus, readAtMs: number): string {
  const { peer, neighbor, state, since, lastError } = session
  const sinceMs = millisOf(since)
  const age = sinceMs === undefined ? '' : ` for ${formatAge(readAtMs - sinceMs)}`
  return `${node} → ${peer} (${neighbor}): ${state}${age}${lastError === undefined ? '' : `: ${lastError}`}`
}

function familyLine(node: string, { peer, families }: SessionStatus): string {
  return `${node} → ${peer}: carries ${families.length === 0 ? 'no family' : families.map((family) => `IPv${family}`).join(', ')}`
}
