// The whole speaker against an API server that misbehaves on request, with stand-ins for engine and kernel.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  type Resource,
  bgpConfs,
  bgpPeers,
  eips,
  endpointSlices,
  leases,
  nodes,
  openClient,
  racks,
  secrets,
  services,
  speakers,
} from '../../../src/io/kube/index.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { type Speaker, openSpeaker } from '../../../speaker/wiring.ts'
import { type FakeApiServer, openFakeApiServer } from '../../scenario/kube/fake-api-server.ts'
import { waitFor } from '../../scenario/kube/wait.ts'
import { type FakeBgp, type FakeNetlink, fakeBgp, fakeNetlink } from './fakes.ts'

const x = '172.22.0.10'
const y = '172.22.0.11'
const pool = 'eip.openelb.kubesphere.io/v1alpha2'
const limits = { timeout: 30_000 }

interface Running {
  readonly server: FakeApiServer
  readonly bgp: FakeBgp
  readonly netlink: FakeNetlink
  readonly speaker: Speaker
}

function putNode(server: FakeApiServer, fields: { annotations?: object; ready?: string } = {}): void {
  server.put(nodes, {
    metadata: {
      ...{ name: 'master', uid: 'uid-master', labels: { 'openelb.kubesphere.io/rack': 'leaf1' } },
      annotations: (fields.annotations ?? {}) as Record<string, string>,
    },
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      conditions: [{ type: 'Ready', status: fields.ready ?? 'True' }],
    },
  })
}

function putService(server: FakeApiServer, name: string, address: string, policy = 'Cluster'): void {
  server.put(services, {
    metadata: { namespace: 'default', name, labels: { [pool]: 'pool' } },
    spec: { type: 'LoadBalancer', externalTrafficPolicy: policy, selector: { app: name } },
    status: { loadBalancer: { ingress: [{ ip: address }] } },
  })
}

function putSlice(
  server: FakeApiServer,
  service: string,
  onNodes: readonly string[],
  labels: object = { [pool]: 'pool' },
): void {
  server.put(endpointSlices, {
    metadata: {
      namespace: 'default',
      name: `${service}-1`,
      labels: { ...labels, 'kubernetes.io/service-name': service },
    },
    addressType: 'IPv4',
    endpoints: onNodes.map((nodeName) => ({ nodeName, conditions: { ready: true } })),
  })
}

function putPeer(server: FakeApiServer, name: string, conf: object = {}): void {
  const neighborAddress = `192.168.0.${name.length}`
  const generation = (server.get(bgpPeers, name)?.metadata.generation ?? 0) + 1
  server.put(bgpPeers, {
    metadata: { name, uid: `uid-${name}`, generation },
    spec: { conf: { neighborAddress, peerAs: 50001, ...conf } },
  })
}

async function openLab(t: TestContext): Promise<FakeApiServer> {
  const server = await openFakeApiServer()
  t.after(() => server.close())
  putNode(server)
  server.put(bgpConfs, { metadata: { name: 'default', generation: 1 }, spec: { as: 50000, listenPort: -1 } })
  putPeer(server, 'leaf1')
  server.put(eips, { metadata: { name: 'pool', generation: 1 }, spec: { address: '172.22.0.0/24' } })
  putService(server, 'a', x)
  putSlice(server, 'a', ['master'])
  putService(server, 'b', y)
  putSlice(server, 'b', ['worker1'])
  return server
}

async function open(t: TestContext, server: FakeApiServer, waitForStart = true): Promise<Running> {
  const netlink = fakeNetlink()
  let bgp: FakeBgp | undefined
  const client = openClient(server.credentials, { log: silentLog, clock: systemClock, userAgent: 'test' })
  const speaker = await openSpeaker({
    ...{ client, netlink, nodeName: 'master', namespace: 'bellhop-system', version: '0', clock: systemClock },
    metricsListen: { host: '127.0.0.1', port: 0 },
    log: silentLog,
    openBgp: ({ onChange }) => (bgp = fakeBgp(onChange)),
  })
  let stopped = false
  const once = async (how: 'restart' | 'leave'): Promise<void> => {
    if (!stopped) {
      stopped = true
      await speaker.stop(how)
    }
  }
  t.after(() => once('restart'))
  if (waitForStart) await speaker.started
  if (bgp === undefined) throw new Error('the engine was not opened')
  return { server, bgp, netlink, speaker: { ...speaker, stop: once } }
}

async function start(t: TestContext): Promise<Running> {
  return open(t, await openLab(t))
}

function statusOf(server: FakeApiServer) {
  return (server.get(speakers, 'master')?.['status'] ?? {}) as Readonly<Record<string, unknown>>
}

void test('start: everything synced, then sessions, then paths, then End-of-RIB', limits, async (t) => {
  const server = await openLab(t)
  const isList = (resource: Resource) => (seen: { readonly path: string; readonly isWatch: boolean }) =>
    seen.path.endsWith(`/${resource.plural}`) && !seen.isWatch
  server.inject(isList(eips), { status: 503 }, 2)
  const { bgp, speaker, netlink } = await open(t, server, false)
  await waitFor('services were listed', () => server.requestsFor(services, 'list').length > 0)
  assert.deepEqual(bgp.calls, [])
  const before = await fetch(`http://127.0.0.1:${speaker.metricsPort}/readyz`)
  assert.equal(before.status, 503)
  assert.match(await before.text(), /eips/)
  await speaker.started
  assert.deepEqual(bgp.calls, ['configure leaf1', `paths leaf1 ${x}/32 self`, `paths leaf1 ${y}/32 self`, 'ready'])
  await waitFor('host routes are there', () => netlink.routeTable.size === 2)
  assert.equal((await fetch(`http://127.0.0.1:${speaker.metricsPort}/readyz`)).status, 200)
  assert.match(
    await (await fetch(`http://127.0.0.1:${speaker.metricsPort}/metrics`)).text(),
    /bellhop_announced_addresses 2/,
  )
})

void test('a Service changes: its address follows, no other is touched (part of BGP-03)', limits, async (t) => {
  const { server, bgp, netlink } = await start(t)
  const said = bgp.calls.length
  putService(server, 'b', y, 'Local')
  await waitFor('y is withdrawn', () => !bgp.wanted.has(`leaf1 ${y}/32`))
  putSlice(server, 'b', ['master'])
  await waitFor('y is back', () => bgp.wanted.has(`leaf1 ${y}/32`))
  server.remove(services, 'default/b')
  await waitFor('y is gone', () => !bgp.wanted.has(`leaf1 ${y}/32`) && !netlink.routeTable.has(`${y} 196`))
  assert.deepEqual(bgp.calls.slice(said), [`paths leaf1 ${y}/32`, `paths leaf1 ${y}/32 self`, `paths leaf1 ${y}/32`])
})

void test('the API server away: nothing is withdrawn; back: nothing flaps (part of BGP-20)', limits, async (t) => {
  const { server, bgp, netlink } = await start(t)
  await waitFor('host routes are there', () => netlink.routeTable.size === 2)
  const said = bgp.calls.length
  await server.stop()
  const listsBefore = server.requestsFor(services).length
  await server.start()
  await waitFor('the view is taken up again', () => server.requestsFor(services).length > listsBefore, 20_000)
  putService(server, 'c', '172.22.0.12')
  putSlice(server, 'c', ['master'])
  await waitFor('a new Service is announced', () => bgp.wanted.has('leaf1 172.22.0.12/32'), 20_000)
  assert.deepEqual(bgp.calls.slice(said), ['paths leaf1 172.22.0.12/32 self'])
})

void test('the Rack object assigns a node: announced when the session is up (part of RACK-01)', limits, async (t) => {
  const { server, bgp } = await start(t)
  const proxied = {
    ...{ node: 'worker1', addresses: ['127.0.0.9'], usable: true },
    announcedBy: [{ peer: 'leaf1', family: 4, speakers: ['master'] }],
  }
  server.put(racks, { metadata: { name: 'leaf1' }, status: { proxied: [proxied] } })
  await waitFor('the rack is seen', () => server.requestsFor(racks, 'watch').length > 0)
  const { networkInterfaces } = await import('node:os')
  const own = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)
  if (own === undefined) return t.skip('this machine has no interface with an IPv4 address')
  const mate = { ...proxied, addresses: [own.address] }
  server.put(racks, { metadata: { name: 'leaf1' }, status: { proxied: [mate] } })
  const { parseIp } = await import('../../../src/core/address/index.ts')
  const localAddress = parseIp(own.address)
  assert.ok(localAddress)
  bgp.turn('leaf1', { state: 'ESTABLISHED', families: [4], addPath: [4], localAddress })
  await waitFor('worker1 is announced', () => bgp.wanted.get(`leaf1 ${x}/32`)?.length === 2)
  // Once more, as after a restart: at once, so that it goes out before the End-of-RIB.
  bgp.turn('leaf1', { state: 'IDLE', families: [], addPath: [] })
  await waitFor('worker1 waits for the session', () => bgp.wanted.get(`leaf1 ${x}/32`)?.length === 1)
  bgp.turn('leaf1', { state: 'ESTABLISHED', families: [4], addPath: [4], localAddress })
  assert.equal(bgp.wanted.get(`leaf1 ${x}/32`)?.length, 2)
  server.put(racks, { metadata: { name: 'leaf1' }, status: { proxied: [] } })
  await waitFor('worker1 is let go', () => bgp.wanted.get(`leaf1 ${x}/32`)?.length === 1)
})

void test('peers come, go and change with their objects; a new one gets every path', limits, async (t) => {
  const { server, bgp } = await start(t)
  putPeer(server, 'leaf-two')
  await waitFor(
    'both prefixes at the new peer',
    () => bgp.wanted.has(`leaf-two ${x}/32`) && bgp.wanted.has(`leaf-two ${y}/32`),
  )
  server.remove(bgpPeers, 'leaf-two')
  await waitFor('the peer is gone', () => bgp.calls.at(-1) === 'configure leaf1')
  server.remove(bgpConfs, 'default')
  await waitFor('no session without BgpConf', () => bgp.settings().length === 0)
  server.put(bgpConfs, { metadata: { name: 'default', generation: 1 }, spec: { as: 50000, listenPort: -1 } })
  await waitFor('back with everything', () => bgp.calls.slice(-2).every((call) => call.startsWith('paths leaf1')))
})

void test(
  'a password in a Secret: down with the reason, up when it appears, never shown (part of BGP-14)',
  limits,
  async (t) => {
    const { server, bgp } = await start(t)
    putPeer(server, 'leaf1', { authPasswordSecretRef: { name: 'md5', key: 'password' } })
    await waitFor('the peer is not configured', () => bgp.settings().length === 0)
    await waitFor('the reason is reported', () => JSON.stringify(statusOf(server)).includes('PasswordMissing'))
    const isEvent = ({ method, path, body }: (typeof server.requests)[number]): boolean =>
      method === 'POST' && path.includes('/events') && JSON.stringify(body).includes('PasswordMissing')
    await waitFor('a Warning on the BgpPeer', () => server.requests.some(isEvent))
    server.put(secrets, {
      metadata: { namespace: 'bellhop-peers', name: 'md5' },
      data: { password: Buffer.from('hunter2\n').toString('base64') },
    })
    await waitFor('the password is used', () => bgp.settings()[0]?.password === 'hunter2')
    await waitFor('the reason is gone', () => !JSON.stringify(statusOf(server)).includes('PasswordMissing'))
    assert.equal(JSON.stringify(server.requests).includes('hunter2'), false)
  },
)

void test('Speaker object and Lease say what is up', limits, async (t) => {
  const { server, bgp } = await start(t)
  await waitFor('the Lease is there', () => server.get(leases, 'bellhop-system/speaker-master') !== undefined)
  bgp.turn('leaf1', { state: 'ESTABLISHED', families: [4], addPath: [4] })
  await waitFor('the session is reported', () => statusOf(server)['up'] === 1)
  const status = statusOf(server)
  assert.deepEqual(
    [status['rack'], status['as'], status['routerId'], status['peers']],
    ['leaf1', 50000, '127.0.0.1', 1],
  )
  assert.deepEqual([status['state'], status['exceptionsTotal']], ['Running', 0])
})

void test('drain: tagged, then withdrawn, sessions stay; removed: back (part of BGP-21)', limits, async (t) => {
  const { server, bgp, netlink } = await start(t)
  putNode(server, { annotations: { 'bellhop.dev/drain': 'true' } })
  await waitFor('GRACEFUL_SHUTDOWN', () => bgp.calls.includes(`paths leaf1 ${x}/32 self tagged`))
  await waitFor('withdrawn', () => bgp.wanted.size === 0, 10_000)
  await waitFor('no host route', () => netlink.routeTable.size === 0)
  await waitFor('the state is Drained', () => statusOf(server)['state'] === 'Drained')
  assert.equal(bgp.settings().length, 1)
  putNode(server)
  await waitFor('announced again', () => bgp.wanted.size === 2)
  await waitFor('the state is Running', () => statusOf(server)['state'] === 'Running')
})

void test('the own Node deleted: withdrawn; SIGTERM then means leaving (part of BGP-05)', limits, async (t) => {
  const { server, bgp, speaker } = await start(t)
  assert.equal(await speaker.meaningOfTermination(), 'restart')
  putNode(server, { ready: 'False' })
  await waitFor('withdrawn when not Ready', () => bgp.wanted.size === 0)
  assert.equal(await speaker.meaningOfTermination(), 'leave')
  putNode(server)
  await waitFor('announced again', () => bgp.wanted.size === 2)
  server.remove(nodes, 'master')
  await waitFor('withdrawn when deleted', () => bgp.wanted.size === 0)
  assert.equal(await speaker.meaningOfTermination(), 'leave')
})

void test('restart keeps routes and paths, leave takes them away (part of ROUTE-06)', limits, async (t) => {
  const first = await start(t)
  await waitFor('host routes are there', () => first.netlink.routeTable.size === 2)
  await first.speaker.stop('restart')
  assert.equal(first.bgp.calls.at(-1), 'close restart')
  assert.equal(first.bgp.wanted.size, 2)
  assert.equal(first.netlink.routeTable.size, 2)
  const second = await open(t, first.server)
  await second.speaker.stop('leave')
  assert.equal(second.bgp.calls.at(-1), 'close leave')
  assert.equal(second.netlink.routeTable.size + second.netlink.ruleTable.size, 0)
  assert.equal(statusOf(first.server)['state'], 'Leaving')
})

void test('a Service without selector: its slices count, whoever labelled them', limits, async (t) => {
  const { server, bgp } = await start(t)
  server.put(services, {
    metadata: { namespace: 'default', name: 'bare', labels: { [pool]: 'pool' } },
    spec: { type: 'LoadBalancer' },
    status: { loadBalancer: { ingress: [{ ip: '172.22.0.20' }] } },
  })
  putSlice(server, 'bare', ['master'], {})
  await waitFor('the bare Service is announced', () => bgp.wanted.has('leaf1 172.22.0.20/32'))
  server.remove(endpointSlices, 'default/bare-1')
  await waitFor('the bare Service is withdrawn', () => !bgp.wanted.has('leaf1 172.22.0.20/32'))
})

void test(
  'Services without selector, however many: one watch for all their slices, none when they are gone',
  limits,
  async (t) => {
    const { server, bgp } = await start(t)
    const ofSlices = (): readonly unknown[] =>
      server.requests.filter(({ path, query }) => path.endsWith('/endpointslices') && query['watch'] !== undefined)
    await waitFor('those with our label are watched', () => ofSlices().length > 0)
    const watched = ofSlices().length
    const putBare = (name: string, address: string, spec: object = {}): void =>
      void server.put(services, {
        metadata: { namespace: 'default', name, labels: { [pool]: 'pool' } },
        spec: { type: 'LoadBalancer', ...spec },
        status: { loadBalancer: { ingress: [{ ip: address }] } },
      })
    for (let each = 0; each < 50; each++) {
      putBare(`bare${each}`, `172.22.1.${each}`)
      putSlice(server, `bare${each}`, ['master'], {})
    }
    const announced = (): number =>
      Array.from({ length: 50 }, (_, each) => each).filter((each) => bgp.wanted.has(`leaf1 172.22.1.${each}/32`)).length
    await waitFor('all are announced', () => announced() === 50)
    await waitFor('their slices are watched', () => ofSlices().length > watched)
    assert.equal(ofSlices().length, watched + 1)
    // A slice that gets our label leaves this watch and comes with the other.
    putSlice(server, 'bare0', ['master'])
    putSlice(server, 'bare1', [], {})
    await waitFor('the one without endpoint is withdrawn', () => !bgp.wanted.has('leaf1 172.22.1.1/32'))
    assert.equal(bgp.wanted.has('leaf1 172.22.1.0/32'), true)
    // With a selector its slices are the controller's, which there is none of here.
    putBare('bare2', '172.22.1.2', { selector: { app: 'x' } })
    await waitFor('the one with a selector is withdrawn', () => !bgp.wanted.has('leaf1 172.22.1.2/32'))
    for (let each = 0; each < 50; each++) server.remove(services, `default/bare${each}`)
    await waitFor('all are withdrawn', () => announced() === 0)
    putBare('again', '172.22.1.60')
    putSlice(server, 'again', ['master'], {})
    await waitFor('it is announced', () => bgp.wanted.has('leaf1 172.22.1.60/32'))
    await waitFor('its slices are watched', () => ofSlices().length > watched + 1)
    assert.equal(ofSlices().length, watched + 2)
  },
)
