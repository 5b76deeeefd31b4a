import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseManifest } from '../../../cli/manifest.ts'
import { applied } from '../../../cli/simulate-pool.ts'
import { addSimulate } from '../../../cli/simulate.ts'
import { readEip } from '../../../src/core/model/index.ts'
import type { FakeApiServer } from '../../scenario/kube/fake-api-server.ts'
import { labObjects, serviceObjects } from '../simulate/lab.ts'
import { type Said, run, serve } from './stage.ts'

const everywhere = serviceObjects('everywhere', '172.22.0.1')
const atMaster = serviceObjects('at-master', '172.22.0.2', { policy: 'Local', endpoints: [['master', true]] })
let server: FakeApiServer
let directory: string
before(async () => {
  server = await serve(labObjects([everywhere, atMaster]))
  directory = await mkdtemp(join(tmpdir(), 'bellhop-simulate-'))
})
after(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

function simulate(...args: readonly string[]): Promise<Said> {
  return run(server, addSimulate, ['simulate', ...args])
}

async function manifest(text: string): Promise<string> {
  const file = join(directory, 'manifest.yaml')
  await writeFile(file, text)
  return file
}

void test('simulate drain: what stops working first, then what each router loses; exit status 1', async () => {
  const { out, status } = await simulate('drain', 'master')
  assert.equal(
    out,
    `The drain of node master: 1 address would lose the last way to it.

ADDRESS      SERVICE             POOL   WHY
172.22.0.2   default/at-master   pool   NoUsableNode: no node that could carry the traffic of 172.22.0.2 is usable: node master is annotated bellhop.dev/drain; remove it to announce the node

ROUTER   ADDRESSES   LOSES NEXT HOP   LEARNS NEXT HOP
leaf1    2 → 1       master (2)

2 addresses reachable now, 1 then.
Only the speaker on master announces worker1 (1): that goes on during the drain, and ends when master goes down. See "simulate lose-node master".
`,
  )
  assert.equal(status, 1)
  const nobody = await simulate('drain', 'worker2')
  assert.match(nobody.out, /^The drain of node worker2: no address would lose its last way\.\n\nROUTER .*\nleaf2 /)
  assert.equal(nobody.status, 0)
})

void test('simulate lose-node, lose-peer: the same, also as data', async () => {
  const { out, status } = await simulate('lose-peer', 'leaf1', '-o', 'json')
  const data = JSON.parse(out) as {
    readonly reachable: unknown
    readonly lost: readonly {
      readonly address: string
      readonly services: unknown
      readonly reason: { code: string }
    }[]
  }
  assert.deepEqual(data.reachable, { before: 2, after: 1 })
  assert.deepEqual(
    data.lost.map(({ address, services, reason }) => [address, services, reason.code]),
    [['172.22.0.2', ['default/at-master'], 'NoSession']],
  )
  assert.equal(status, 1)
  assert.match((await simulate('lose-node', 'master')).out, /Left with one next hop: 172\.22\.0\.1 \(worker2\)\./)
  assert.match((await simulate('lose-peer', 'leaf9')).out, /^No speaker has a session with a BgpPeer leaf9\./)
  assert.match((await simulate('drain', 'nobody')).out, /^There is no node nobody\./)
})

void test('simulate pool: an edit judged before it is applied', async () => {
  const file = await manifest(`apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: { name: pool }
spec: { address: 172.22.0.0/31 }
`)
  const { out, status } = await simulate('pool', '-f', file)
  assert.match(out, /^Eip pool would not be changed\. AddressInUse: .*172\.22\.0\.2, in use/)
  assert.match(out, / {2,}ADDRESSES   USED   FREE\nnow    256         2      254\nthen   2           2      1/)
  assert.match(out, /172\.22\.0\.2 +default\/at-master/)
  assert.equal(status, 1)
  const old = await manifest(`apiVersion: network.kubesphere.io/v1alpha1
kind: Eip
metadata: { name: second }
spec: { address: 172.23.0.0/30, protocol: bgp }
`)
  const made = await simulate('pool', '-f', old)
  assert.match(made.out, /^Eip second would be made\./)
  assert.equal(made.status, 0)
  assert.match((await simulate('pool', 'pool', '--delete')).out, /^Eip pool would not be deleted\. PoolInUse/)
  for (const wrong of [['pool'], ['pool', '--delete'], ['pool', 'pool', '-f', file]]) {
    assert.equal((await simulate(...wrong)).status, 2, wrong.join(' '))
  }
})

void test('simulate service: its address, or why none', async () => {
  const service = (annotations: string): Promise<string> =>
    manifest(`apiVersion: v1
kind: Service
metadata: { name: new, annotations: { ${annotations} } }
spec: { type: LoadBalancer, ports: [ { port: 80 } ] }
`)
  const pool = 'eip.openelb.kubesphere.io/v1alpha2'
  const optIn = 'lb.kubesphere.io/v1alpha1: openelb'
  const good = await simulate('service', '-f', await service(`${optIn}, ${pool}: pool`))
  assert.match(good.out, /^Service default\/new would get 172\.22\.0\.\d+ of Eip pool \(or another free address/)
  assert.equal(good.status, 0)
  const waits = await simulate('service', '-f', await service(optIn))
  assert.match(waits.out, /would be made and wait for an address\.\nNoDefaultPool: /)
  assert.equal(waits.status, 1)
})

void test('a simulation writes nothing, and says nothing when it may not see all', async () => {
  assert.deepEqual(
    server.requests.filter(({ method }) => method !== 'GET'),
    [],
  )
  const fault = server.inject(({ path }) => path.endsWith('/speakers'), { status: 403, reason: 'Forbidden' })
  const { out, err, status } = await simulate('drain', 'master')
  fault.remove()
  assert.deepEqual([out, status], ['', 3])
  assert.match(err, /^What would change cannot be told: not allowed to read speakers\n$/)
})

void test('a manifest: one object of the kind, whatever stands beside it', async () => {
  const parse = (source: string) => parseManifest(source, 'Eip', 'x.yaml')
  const eip = 'apiVersion: a/v1\nkind: Eip\nmetadata: { name: one }\n'
  assert.equal((await parse(`${eip}---\nkind: Service\n`)).ok, true)
  for (const [source, message] of [
    ['', 'holds 0'],
    [`${eip}---\n${eip}`, 'holds 2'],
    ['kind: Eip\n', 'no metadata.name'],
    ['kind: {', 'is no YAML'],
  ] as const) {
    const read = await parse(source)
    assert.ok(!read.ok && read.message.includes(message), JSON.stringify(read))
  }
})

void test('an Eip applied over another: annotations of others stay, those that the manifest no longer has go', () => {
  const last = JSON.stringify({ metadata: { annotations: { gone: 'x' } } })
  const isDefault = { 'eip.openelb.kubesphere.io/is-default-eip': 'true' }
  const before = readEip({
    metadata: {
      ...{ name: 'pool', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': last, gone: 'x', ...isDefault },
    },
    spec: { address: '10.0.0.0/24' },
  })
  const written = readEip({ metadata: { name: 'pool', annotations: { mine: 'y' } }, spec: { address: '10.0.0.0/25' } })
  const { annotations, isDefault: stays, uid, address } = applied(written, before)
  assert.deepEqual([annotations['gone'], annotations['mine'], stays, uid], [undefined, 'y', true, 'u'])
  assert.equal(address, '10.0.0.0/25')
})
