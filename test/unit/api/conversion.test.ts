// v1alpha1 and v1alpha2 of Eip, BgpConf and BgpPeer (openelb-api.md 1.1, 2.2 to 2.4). What the API server makes of it is
// tested with a real one; round trips of everything that the schemas allow are in test/property.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { convertObject, convertReview } from '../../../src/core/api/index.ts'

type Json = Readonly<Record<string, unknown>>

const old = 'network.kubesphere.io/v1alpha1'
const now = 'network.kubesphere.io/v1alpha2'

function convert(object: Json, to: string): Json {
  const converted = convertObject(object, to)
  assert.ok(converted.ok, `it was not converted: ${converted.ok ? '' : converted.message}`)
  return converted.object
}

function object(apiVersion: string, kind: string, spec: Json, rest: Json = {}): Json {
  return { apiVersion, kind, metadata: { name: 'x', uid: 'u' }, spec, ...rest }
}

function annotationsOf(of: Json): Readonly<Record<string, string>> {
  return (of['metadata'] as { annotations?: Readonly<Record<string, string>> }).annotations ?? {}
}

function keptIn(of: Json, version: 'v1alpha1' | 'v1alpha2'): unknown {
  return JSON.parse(annotationsOf(of)[`bellhop.dev/${version}`] ?? 'null')
}

function withSpec(of: Json, spec: Json): Json {
  return { ...of, spec: { ...(of['spec'] as Json), ...spec } }
}

void test('POOL-12 (conversion) an Eip of v1alpha1 reads the same in v1alpha2 and comes back as it was', () => {
  const eip = object(old, 'Eip', { address: '192.0.2.0/24', protocol: 'bgp', disable: true, usingKnownIPs: true })
  const read = convert(eip, now)
  assert.deepEqual(read, { ...eip, apiVersion: now })
  assert.deepEqual(convert(read, old), eip)
})

void test('POOL-12 (conversion) what only v1alpha2 has travels in an annotation of the v1alpha1 object and back', () => {
  const spec = { address: '192.0.2.0/24', protocol: 'layer2', interface: 'eth0', excludes: ['192.0.2.1'], priority: 7 }
  const status = { usage: 1, poolSize: 256, used: { '192.0.2.5': 'a/b' }, conditions: [{ type: 'Ready' }] }
  const eip = object(now, 'Eip', spec, { status })
  const read = convert(eip, old)
  assert.deepEqual(read['spec'], { address: '192.0.2.0/24', protocol: 'layer2' })
  assert.deepEqual(read['status'], { usage: 1, poolSize: 256 })
  assert.deepEqual(keptIn(read, 'v1alpha2'), {
    spec: { interface: 'eth0', excludes: ['192.0.2.1'], priority: 7 },
    status: { used: status.used, conditions: status.conditions },
  })
  assert.deepEqual(convert(read, now), eip)
})

void test('a layer2 Eip of v1alpha1 takes the NIC with the route to its first address, as Porter did', () => {
  const eip = object(old, 'Eip', { address: '192.0.2.7/24', protocol: 'layer2' })
  const read = convert(eip, now)
  assert.deepEqual((read['spec'] as Json)['interface'], 'can_reach:192.0.2.0')
  assert.deepEqual(convert(read, old), eip)
  const named = convert(withSpec(read, { interface: 'eth1' }), old)
  assert.deepEqual(keptIn(named, 'v1alpha2'), { spec: { interface: 'eth1' } })
  assert.equal((convert(withSpec(named, { address: '198.51.100.1' }), now)['spec'] as Json)['interface'], 'eth1')
  const { interface: _, ...without } = read['spec'] as { interface: string }
  const none = { ...read, spec: without }
  assert.deepEqual(convert(convert(none, old), now), none)
})

void test('POOL-12 (conversion) BgpConf: routerID and port are routerId and listenPort, the rest is kept', () => {
  const conf = object(old, 'BgpConf', { as: 4200000001, routerID: '192.0.2.1', port: 17900 })
  const read = convert(conf, now)
  assert.deepEqual(read['spec'], { as: 4200000001, routerId: '192.0.2.1', listenPort: 17900 })
  assert.deepEqual(annotationsOf(read), {})
  assert.deepEqual(convert(read, old), conf)
  const more = withSpec(read, { asPerRack: { leaf1: 65001 }, listenAddresses: ['192.0.2.1'] })
  assert.deepEqual(convert(convert(more, old), now), more)
})

void test('POOL-12 (conversion) BgpPeer: config, addPaths and transport are conf, afiSafis and transport', () => {
  const spec = {
    config: { peerAs: 65001, neighborAddress: '192.0.2.1' },
    addPaths: { sendMax: 9 },
    transport: { passiveMode: true, remotePort: 1790 },
    usingPortForward: true,
  }
  const peer = object(old, 'BgpPeer', spec)
  const read = convert(peer, now)
  assert.deepEqual(read['spec'], {
    conf: { peerAs: 65001, neighborAddress: '192.0.2.1' },
    afiSafis: [{ addPaths: { config: { sendMax: 9 } } }],
    transport: { passiveMode: true, remotePort: 1790 },
  })
  assert.deepEqual(keptIn(read, 'v1alpha1'), { spec: { usingPortForward: true } })
  assert.deepEqual(convert(read, old), peer)
})

void test('an edit in the other version stays, and what that version cannot say is not lost by it', () => {
  const peer = object(old, 'BgpPeer', {
    config: { peerAs: 65001, neighborAddress: '192.0.2.1' },
    addPaths: { sendMax: 0 },
    usingPortForward: true,
  })
  const stored = convert(peer, now)
  const paths = [{ config: { family: { afi: 'AFI_IP6' } }, addPaths: { config: { sendMax: 4 } } }]
  const edited = withSpec(stored, { conf: { peerAs: 65002, neighborAddress: '192.0.2.1' }, afiSafis: paths })
  const read = convert(edited, old)
  assert.deepEqual(read['spec'], {
    config: { peerAs: 65002, neighborAddress: '192.0.2.1' },
    addPaths: { sendMax: 4 },
    usingPortForward: true,
  })
  assert.deepEqual(convert(read, now)['spec'], edited['spec'], 'written back unchanged')
  assert.deepEqual(keptIn(convert(read, now), 'v1alpha1'), { spec: { usingPortForward: true } })
})

void test('an edit of addPaths.sendMax goes to every enabled family, and their other fields stay', () => {
  const family = (afi: string, sendMax: number, enabled = true): Json => ({
    config: { family: { afi, safi: 'SAFI_UNICAST' }, enabled },
    addPaths: { config: { sendMax, receive: false } },
  })
  const conf = { peerAs: 65001, neighborAddress: '192.0.2.1' }
  const peer = object(now, 'BgpPeer', { conf, afiSafis: [family('AFI_IP', 5), family('AFI_IP6', 3, false)] })
  const read = convert(peer, old)
  assert.deepEqual((read['spec'] as Json)['addPaths'], { sendMax: 5 })
  const edited = convert(withSpec(read, { addPaths: { sendMax: 8 } }), now)
  assert.deepEqual((edited['spec'] as Json)['afiSafis'], [family('AFI_IP', 8), family('AFI_IP6', 3, false)])
})

void test('fields that neither version knows are kept as long as nobody prunes them', () => {
  const conf = object(old, 'BgpConf', { as: 1, novel: { deep: [1, 2] } }, { extra: 'top' })
  const stored = convert(conf, now)
  assert.deepEqual(keptIn(stored, 'v1alpha1'), { extra: 'top', spec: { novel: { deep: [1, 2] } } })
  assert.deepEqual(convert(stored, old), conf)
})

void test('an annotation is believed only where a field could hold its value and the other version cannot say it', () => {
  const forged = {
    spec: { address: '203.0.113.0/24', namespaces: 'everything', excludes: ['192.0.2.9'], priority: 3 },
  }
  for (const [text, spec] of [
    [JSON.stringify(forged), { address: '192.0.2.0/24', excludes: ['192.0.2.9'], priority: 3 }],
    ['not json', { address: '192.0.2.0/24' }],
    ['[1]', { address: '192.0.2.0/24' }],
    ['{"spec":null}', { address: '192.0.2.0/24' }],
    ['{"spec":"text","__proto__":{"spec":1}}', { address: '192.0.2.0/24' }],
  ] as const) {
    const eip = object(old, 'Eip', { address: '192.0.2.0/24' })
    const metadata = { name: 'x', annotations: { 'bellhop.dev/v1alpha2': text, 'example.org/a': 'b' } }
    const read = convert({ ...eip, metadata }, now)
    assert.deepEqual(read['spec'], spec, text)
    assert.deepEqual(read['metadata'], { name: 'x', annotations: { 'example.org/a': 'b' } })
  }
})

const review = (request: unknown): Json => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'ConversionReview',
  request,
})

void test('a ConversionReview converts every object in its order, or fails as a whole with one sentence', () => {
  const objects = [object(old, 'Eip', { address: '192.0.2.1' }), object(now, 'BgpConf', { as: 1 })]
  const { response } = convertReview(review({ uid: 'u', desiredAPIVersion: now, objects }))
  assert.equal(response.uid, 'u')
  assert.deepEqual(response.result, { status: 'Success' })
  assert.deepEqual(response.convertedObjects, [{ ...objects[0], apiVersion: now }, objects[1]])
  const bad = [...objects, object(now, 'Rack', {})]
  const failed = convertReview(review({ uid: 'u', desiredAPIVersion: now, objects: bad })).response
  assert.deepEqual(failed, {
    uid: 'u',
    result: {
      status: 'Failure',
      message: 'x is not converted: kind "Rack" cannot be converted: the kinds are Eip, BgpConf, BgpPeer',
    },
  })
})

void test('a malformed review, an unknown version or kind, and what is no object: Failure with a sentence', () => {
  const eip = object(old, 'Eip', { address: '192.0.2.1' })
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /apiVersion is another/],
    ['text', /apiVersion is another/],
    [{ ...review({}), apiVersion: 'apiextensions.k8s.io/v1beta1' }, /apiVersion is another/],
    [{ ...review({}), kind: 'AdmissionReview' }, /kind is another/],
    [review({}), /request\.uid is missing/],
    [review({ uid: 'u', objects: [] }), /desiredAPIVersion is missing/],
    [review({ uid: 'u', desiredAPIVersion: now }), /objects is no list/],
    [review({ uid: 'u', desiredAPIVersion: 'v9', objects: [eip] }), /the version asked for is "v9"/],
    [review({ uid: 'u', desiredAPIVersion: now, objects: [{ ...eip, apiVersion: 'v9' }] }), /of the object is "v9"/],
    [review({ uid: 'u', desiredAPIVersion: now, objects: [{ ...eip, kind: 4 }] }), /kind missing/],
    [review({ uid: 'u', desiredAPIVersion: now, objects: [{ ...eip, metadata: [] }] }), /no metadata/],
    [review({ uid: 'u', desiredAPIVersion: now, objects: [eip, null] }), /object 2 is not converted: .*no object/],
  ]
  for (const [body, sentence] of cases) {
    const { result, convertedObjects } = convertReview(body).response
    assert.equal(result.status, 'Failure')
    assert.match(result.status === 'Failure' ? result.message : '', sentence)
    assert.equal(convertedObjects, undefined)
  }
})
