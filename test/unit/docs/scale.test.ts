// The budget of docs/operations/scale.md that can be computed: a thousand nodes in 25 racks of 40, each rack with two
// leaves, 50,000 Services. Sizes are of JSON, as the API server sends it to clients without protobuf.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { summaryGapMs } from '../../../controller/pace.ts'
import { type SpeakerView, bgpConfStatus, bgpPeerStatus, planRacks } from '../../../src/core/announce/index.ts'
import { readBgpConf } from '../../../src/core/model/index.ts'
import { mostUsedListed } from '../../../src/core/status/index.ts'
import { node, peer, session, speaker } from '../announce/fixtures.ts'

const racks = 25
const perRack = 40
const nodeCount = racks * perRack
const page = readFileSync(join(import.meta.dirname, '../../../docs/operations/scale.md'), 'utf8')

/** etcd takes no object larger than 1.5 MB. */
const largestObject = 1_500_000
const kilobytes = (value: unknown): number => JSON.stringify(value).length / 1000
const nameOf = (index: number): string => `node-${String(index).padStart(4, '0')}.example.internal`
const rackOf = (index: number): string => `rack-${Math.floor(index / perRack)}`
const subnetOf = (index: number): string => `10.${Math.floor(index / perRack)}.0.0/24`
const addressOf = (index: number): string => `10.${Math.floor(index / perRack)}.0.${(index % perRack) + 10}`
const indexes = Array.from({ length: nodeCount }, (_, index) => index)
const peers = Array.from({ length: racks }, (_, rack) => ['a', 'b'].map((leaf) => peer(`rack-${rack}-${leaf}`))).flat()

function speakers(speaking: (index: number) => boolean, down = false): ReadonlyMap<string, SpeakerView> {
  return new Map(
    indexes.filter(speaking).map((index): [string, SpeakerView] => {
      const sessions = ['a', 'b'].map((leaf) =>
        session(`${rackOf(index)}-${leaf}`, {
          subnet: subnetOf(index),
          ...(down && { state: 'ACTIVE', lastError: 'Hold Timer Expired, sent by us; connection refused since' }),
        }),
      )
      return [nameOf(index), { alive: true, status: speaker(sessions, { rack: rackOf(index) }) }]
    }),
  )
}

const nodes = indexes.map((index) => node(nameOf(index), { ip: addressOf(index), rack: rackOf(index) }))

/** The figure that the page gives for this, in its last column but one. */
function promised(line: string): number {
  const row = page.split('\n').find((each) => each.startsWith(`| ${line} `))
  assert.ok(row !== undefined, `scale.md has no row "${line}"`)
  const figure = /\*\*([\d,.]+)\*\*/.exec(row)?.[1]
  assert.ok(figure !== undefined, `the row "${line}" has no figure in bold`)
  return Number(figure.replaceAll(',', ''))
}

/** At most what the page gives, and not so little that the page is no longer true. */
function expectAbout(size: number, line: string): void {
  const most = promised(line)
  assert.ok(size <= most && size >= most * 0.6, `${line}: ${size} kB, the page says ${most}`)
}

test('a Rack object, speakers everywhere', () => {
  const planned = planRacks({ nodes, speakers: speakers(() => true), peers })
  const largest = Math.max(...[...planned.values()].map(kilobytes))
  expectAbout(largest, 'Rack object, a speaker on every node')
})

test('a Rack object, two speakers in each rack: 38 nodes that others announce', () => {
  const planned = planRacks({ nodes, speakers: speakers((index) => index % perRack < 2), peers })
  const largest = Math.max(...[...planned.values()].map(kilobytes))
  assert.equal(planned.get('rack-0')?.proxied.length, perRack - 2)
  expectAbout(largest, 'Rack object, two speakers in each rack')
})

test('one rack of a thousand nodes, two of them with speakers, still fits in an object', () => {
  const one = indexes.map((index) => node(nameOf(index), { ip: `10.0.${index >> 8}.${index & 255}`, rack: 'rack-0' }))
  const two = new Map(
    [0, 1].map((index): [string, SpeakerView] => [
      nameOf(index),
      { alive: true, status: speaker([session('rack-0-a', { subnet: '10.0.0.0/16' })], { rack: 'rack-0' }) },
    ]),
  )
  const planned = planRacks({ nodes: one, speakers: two, peers })
  assert.equal(planned.get('rack-0')?.proxied.length, nodeCount - 2)
  assert.ok(kilobytes(planned.get('rack-0')) * 1000 < largestObject / 2, `${kilobytes(planned.get('rack-0'))} kB`)
})

test('a BgpPeer of 40 nodes, and one of a thousand that are all down', () => {
  const rack = bgpPeerStatus(
    peer('rack-0-a'),
    speakers((index) => index < perRack),
  )
  expectAbout(kilobytes(rack), 'BgpPeer of 40 nodes')
  const down = new Map(
    indexes.map((index): [string, SpeakerView] => [
      nameOf(index),
      { alive: true, status: speaker([session('all', { state: 'ACTIVE', lastError: 'connection refused' })]) },
    ]),
  )
  const all = bgpPeerStatus(peer('all'), down)
  assert.ok(kilobytes(all) * 1000 < largestObject, `${kilobytes(all)} kB`)
  expectAbout(kilobytes(all), 'BgpPeer of 1,000 nodes, all of them down')
})

test('the BgpConf of a thousand nodes does not list them', () => {
  const status = bgpConfStatus(
    readBgpConf({ metadata: { name: 'default' }, spec: { as: 50000 } }),
    speakers(() => true),
  )
  expectAbout(kilobytes(status), 'BgpConf of 1,000 nodes')
})

test('a Speaker object does not grow with the addresses that it announces', () => {
  const status = speaker([session('a', { prefixesSent: 50_000 }), session('b', { prefixesSent: 50_000 })])
  expectAbout(kilobytes(status), 'Speaker object')
})

test('an Eip lists 256 addresses at most', () => {
  const used = Object.fromEntries(
    Array.from({ length: mostUsedListed }, (_, index) => [`172.22.0.${index}`, `namespace-${index}/service-${index}`]),
  )
  expectAbout(kilobytes(used), 'Eip object')
})

test('summaries and counters slow down with the number of nodes', () => {
  assert.equal(summaryGapMs(nodeCount), promised('Gap between two summaries of one object') * 1000)
  assert.equal(
    summaryGapMs(nodeCount, 60_000),
    promised('Gap between two BgpPeers whose counters alone have changed') * 1000,
  )
})

test('Leases: one renewal every 10 s a node', () => {
  assert.equal(nodeCount / 10, promised('Lease renewals'))
})
