// Why no router is told of a Service, or not every one: each a cluster with one thing wrong about speakers, peers, sessions.
import type { Case } from './cases-address.ts'
import {
  type Json,
  type Objects,
  condition,
  down,
  lease,
  named,
  peer,
  record,
  service,
  session,
  slice,
} from './cluster.ts'

const web = (objects: Objects): Json => named(objects.services, 'web')
const pool = (objects: Objects): Json => named(objects.eips, 'pool')
const speaker = (objects: Objects, name: string): Json => named(objects.speakers, name)['status']
const refused = 'connect ECONNREFUSED 192.168.0.2:179'

function breakSession(objects: Objects, node: string, error: string, state?: string): void {
  const status = speaker(objects, node)
  status.sessions = status.sessions.map((each: Json) => ({ ...each, ...down(error, state) }))
  status.up = 0
}

function toIpv6(objects: Objects): void {
  const name = 'fd00:22::10'
  pool(objects)['spec'].address = 'fd00:22::/112'
  objects.services = [service('web', name, { spec: { ipFamilies: ['IPv6'] } })]
  objects.eipallocations = [record(name, 'web')]
  objects.eipallocations[0] = { ...record(name, 'web'), metadata: { name: 'fd00-0022-0000-0000-0000-0000-0000-0010' } }
  objects.endpointslices = [slice('web', ['master', 'worker2'], { addressType: 'IPv6' })]
}

const exception = (reason: string, message: string, more: Json = {}): Json => ({
  address: '172.22.0.10',
  reason,
  message,
  ...more,
})

export const sessionCases: readonly Case[] = [
  {
    name: 'speakers-none-alive',
    reason: 'NoSpeaker',
    change: (o) => {
      o.leases = [lease('bellhop-controller')]
      for (const name of ['speaker-master', 'speaker-worker2']) {
        o.leases.push(lease(name, { renewTime: '2026-03-01T11:40:00.000000Z' }))
      }
    },
  },
  {
    name: 'speaker-of-one-node-silent',
    reason: 'SpeakerSilent',
    change: (o) => (named(o.leases, 'speaker-worker2')['spec'].renewTime = '2026-03-01T11:40:00.000000Z'),
  },
  {
    name: 'peers-no-bgpconf',
    reason: 'NoBgpConf',
    change: (o) => {
      o.bgpconfs = []
      for (const { status } of o.speakers) Object.assign(status, { sessions: [], peers: 0, up: 0 })
    },
  },
  {
    name: 'peers-none',
    reason: 'NoPeer',
    change: (o) => {
      o.bgppeers = []
      for (const { status } of o.speakers) Object.assign(status, { sessions: [], peers: 0, up: 0 })
    },
  },
  {
    name: 'peers-meant-for-other-nodes',
    reason: 'NoPeer',
    change: (o) => {
      o.bgppeers = [peer('edge', '192.0.2.1', 65000, 'rack9')]
      for (const { status } of o.speakers) Object.assign(status, { sessions: [], peers: 0, up: 0 })
    },
  },
  {
    name: 'session-refused',
    reason: 'NoSession',
    change: (o) => {
      breakSession(o, 'master', refused)
      breakSession(o, 'worker2', 'no answer within 5 s', 'CONNECT')
    },
  },
  {
    name: 'session-wrong-as',
    reason: 'NoSession',
    change: (o) => {
      const said = 'NOTIFICATION received: OPEN Message Error, Bad Peer AS'
      breakSession(o, 'master', said, 'IDLE')
      breakSession(o, 'worker2', said, 'IDLE')
    },
  },
  {
    name: 'session-down-that-the-pool-does-not-use',
    reason: undefined,
    change: (o) => {
      pool(o)['spec'].bgp = { peers: ['leaf1'] }
      breakSession(o, 'worker2', refused)
    },
  },
  {
    name: 'not-allowed-to-read-pools',
    reason: undefined,
    change: () => {},
    unread: [
      { part: 'eipallocations', why: 'not allowed to read eipallocations: answers that rest on them are left out' },
    ],
  },
  {
    name: 'not-allowed-to-read-what-the-controller-has-seen',
    reason: 'NoSession',
    change: (o) =>
      (web(o)['status'].conditions[1] = condition(
        'bellhop.dev/Advertised',
        'False',
        'NoSession',
        'no BGP session is established (leaf1: connect ECONNREFUSED 192.168.0.2:179)',
      )),
    unread: (['nodes', 'speakers', 'racks', 'eips', 'eipallocations', 'leases', 'bgppeers'] as const).map((part) => ({
      part,
      why: `not allowed to read ${part}: answers that rest on them are left out`,
    })),
  },
  { name: 'session-of-one-rack-down', reason: 'SessionDown', change: (o) => breakSession(o, 'worker2', refused) },
  {
    name: 'session-password-missing',
    reason: 'PasswordMissing',
    change: (o) => {
      for (const name of ['master', 'worker2']) {
        const key = name === 'master' ? 'leaf1' : 'leaf2'
        breakSession(
          o,
          name,
          `BgpPeer ${key} names Secret bgp, key password, which namespace bellhop-peers does not have`,
          'IDLE',
        )
        speaker(o, name).sessions[0].reason = 'PasswordMissing'
      }
    },
  },
  {
    name: 'pool-names-other-peers',
    reason: 'PeerNotSelected',
    change: (o) => (pool(o)['spec'].bgp = { peers: ['edge'] }),
  },
  { name: 'session-without-ipv6', reason: 'FamilyNotNegotiated', change: toIpv6 },
  {
    name: 'session-without-ipv6-next-hop',
    reason: 'NoLocalNextHop',
    change: (o) => {
      toIpv6(o)
      for (const [name, key] of [
        ['master', 'leaf1'],
        ['worker2', 'leaf2'],
      ] as const) {
        const status = speaker(o, name)
        status.sessions = status.sessions.map((each: Json) => ({ ...each, families: [4, 6], addPath: [4, 6] }))
        status.exceptions = [
          {
            ...{ address: 'fd00:22::10', peer: key, reason: 'NoLocalNextHop' },
            message: `node ${name} has no global IPv6 address on the link of its session with ${key}, so the router cannot be told a next hop; give it one, or make a BgpPeer with the IPv6 address of the router`,
          },
        ]
        for (const { spec } of o.bgppeers) {
          spec.afiSafis = ['AFI_IP', 'AFI_IP6'].map((afi) => ({ config: { family: { afi, safi: 'SAFI_UNICAST' } } }))
        }
      }
    },
  },
  {
    name: 'local-endpoint-on-a-node-that-nobody-announces',
    reason: 'NoSession',
    change: (o) => {
      web(o)['spec'].externalTrafficPolicy = 'Local'
      o.endpointslices = [slice('web', ['worker1'])]
      speaker(o, 'master').sessions = [session('leaf1', '192.168.0.2', '192.168.0.3', { addPath: [] })]
    },
  },
  {
    name: 'router-takes-one-path',
    reason: 'NextHopsNotAdvertised',
    change: (o) => {
      const status = speaker(o, 'master')
      status.sessions = [session('leaf1', '192.168.0.2', '192.168.0.3', { addPath: [] })]
      status.exceptions = [
        exception('NextHopsNotAdvertised', 'peer leaf1 takes one path (no ADD-PATH); not announced to it: worker1', {
          peer: 'leaf1',
        }),
      ]
    },
  },
  {
    name: 'speakers-behind',
    reason: 'SpeakersBehind',
    change: (o) => {
      web(o)['status'].conditions[0].lastTransitionTime = '2026-03-01T11:59:59Z'
      web(o)['status'].conditions.pop()
    },
  },
  {
    name: 'not-allowed-to-read-nodes-and-speakers',
    reason: undefined,
    change: () => {},
    unread: (['nodes', 'speakers'] as const).map((part) => ({
      part,
      why: `not allowed to read ${part}: answers that rest on them are left out`,
    })),
  },
  {
    name: 'session-still-sending',
    reason: undefined,
    change: (o) => Object.assign(speaker(o, 'master').sessions[0], { prefixesWanted: 900, prefixesSent: 412 }),
  },
]
