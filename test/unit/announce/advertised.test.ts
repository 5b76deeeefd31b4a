import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AdvertisedInput, judgeAdvertised, planRacks } from '../../../src/core/announce/index.ts'
import { type Service, readService } from '../../../src/core/model/index.ts'
import { eip, ip, node, peer, session, slice, speaker } from './fixtures.ts'

const writtenMs = 1000
const master = node('master', { ip: '192.168.0.3', rack: 'leaf1' })
const worker1 = node('worker1', { ip: '192.168.0.4' })

function web(policy: 'Cluster' | 'Local' = 'Cluster'): Service {
  return readService({
    metadata: { namespace: 'default', name: 'web' },
    spec: { type: 'LoadBalancer', externalTrafficPolicy: policy },
    status: { loadBalancer: { ingress: [{ ip: '172.22.0.10' }] } },
  })
}

type Fields = Partial<AdvertisedInput> & { readonly on?: string }

function judge({ on = 'master', ...fields }: Fields = {}) {
  const speakers =
    fields.speakers ?? new Map([['master', { alive: true, status: speaker([session('leaf1')]), currentUpToMs: 2000 }]])
  const nodes = fields.nodes ?? new Map([master, worker1].map((each) => [each.name, each]))
  const racks = planRacks({ nodes: [...nodes.values()], speakers, peers: [peer('leaf1')] })
  const { status, reason } = judgeAdvertised({
    addresses: [ip('172.22.0.10')],
    services: [web()],
    slices: new Map([['default/web', [slice('web', [[on, 'ready']])]]]),
    eip: eip('pool', '172.22.0.0/24'),
    statusWrittenMs: writtenMs,
    ...fields,
    ...{ speakers, nodes, racks },
  })
  return [status, reason.code]
}

function speakersWith(
  fields: Parameters<typeof session>[1],
  status: Parameters<typeof speaker>[1] = {},
  currentUpToMs = 2000,
) {
  return new Map([['master', { alive: true, status: speaker([session('leaf1', fields)], status), currentUpToMs }]])
}

void test('True: a living speaker that has caught up has a session', () => {
  assert.deepEqual(judge(), ['True', 'Advertised'])
})

void test('Unknown while no speaker has caught up', () => {
  assert.deepEqual(judge({ speakers: speakersWith({}, {}, writtenMs - 1) }), ['Unknown', 'SpeakersBehind'])
})

void test('True by way of another speaker of the rack, over ADD-PATH', () => {
  assert.deepEqual(judge({ services: [web('Local')], on: 'worker1' }), ['True', 'Advertised'])
  const single = speakersWith({ addPath: [] })
  assert.deepEqual(judge({ services: [web('Local')], on: 'worker1', speakers: single }), ['False', 'NoSession'])
})

void test('False, each with its reason', () => {
  assert.deepEqual(judge({ addresses: [] }), ['False', 'NoAddress'])
  assert.deepEqual(judge({ slices: new Map() }), ['False', 'NoReadyEndpoint'])
  assert.deepEqual(judge({ speakers: new Map() }), ['False', 'NoSpeaker'])
  assert.deepEqual(judge({ speakers: speakersWith({ state: 'ACTIVE', families: [] }) }), ['False', 'NoSession'])
  assert.deepEqual(judge({ speakers: speakersWith({ families: [6] }) }), ['False', 'FamilyNotNegotiated'])
  const none = new Map([['master', { alive: true, status: speaker([]), currentUpToMs: 2000 }]])
  assert.deepEqual(judge({ speakers: none }), ['False', 'NoPeer'])
  const named = eip('pool', '172.22.0.0/24', { bgp: { peers: ['leaf9'] } })
  assert.deepEqual(judge({ eip: named }), ['False', 'PeerNotSelected'])
  const layer2 = eip('pool', '172.22.0.0/24', { protocol: 'layer2', interface: 'eth0' })
  assert.deepEqual(judge({ eip: layer2 }), ['False', 'ProtocolNotAnnounced'])
  const down = new Map([['master', node('master', { ready: 'False' })]])
  assert.deepEqual(judge({ nodes: down }), ['False', 'NoUsableNode'])
})

void test('an address whose Eip is gone is judged like any other', () => {
  assert.deepEqual(judge({ eip: undefined }), ['True', 'Advertised'])
})

void test('an exception about the only way there is makes it False', () => {
  const exceptions = [
    { address: '172.22.0.10', peer: 'leaf1', reason: 'NoNextHop' as const, message: 'worker1 is elsewhere' },
  ]
  const speakers = speakersWith({}, { exceptions, exceptionsTotal: 1 })
  assert.deepEqual(judge({ services: [web('Local')], on: 'worker1', speakers }), ['False', 'NoNextHop'])
  assert.deepEqual(judge({ speakers }), ['True', 'Advertised'])
})

void test('the own path without a next hop is no way; what cuts off another node is', () => {
  const except = (reason: 'NoLocalNextHop' | 'NoNextHop') =>
    speakersWith({}, { exceptions: [{ address: '172.22.0.10', peer: 'leaf1', reason, message: 'why' }] })
  const alone = { services: [web('Local')] }
  assert.deepEqual(judge({ ...alone, speakers: except('NoLocalNextHop') }), ['False', 'NoLocalNextHop'])
  assert.deepEqual(judge({ ...alone, speakers: except('NoNextHop') }), ['True', 'Advertised'])
})

void test('dual stack: every address must have a way', () => {
  const both = [ip('172.22.0.10'), ip('fd00::1')]
  const slices = new Map([
    [
      'default/web',
      [slice('web', [['master', 'ready']]), { ...slice('web', [['master', 'ready']]), family: 6 as const }],
    ],
  ])
  assert.deepEqual(judge({ addresses: both, slices }), ['False', 'FamilyNotNegotiated'])
  assert.deepEqual(judge({ addresses: both, slices, speakers: speakersWith({ families: [4, 6] }) }), [
    'True',
    'Advertised',
  ])
})
