import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { type DrainOptions, setDrain } from '../../../cli/drain.ts'
import { openPaint } from '../../../cli/print.ts'
import { partsOfWays, readView } from '../../../cli/simulate-view.ts'
import { nodes, openClient, racks, speakers } from '../../../src/io/kube/index.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import type { FakeApiServer } from '../../scenario/kube/fake-api-server.ts'
import { labObjects, serviceObjects, speakerObject } from '../simulate/lab.ts'
import { serve } from './stage.ts'

const drainKey = 'bellhop.dev/drain'
const everywhere = serviceObjects('everywhere', '172.22.0.1')
const atMaster = serviceObjects('at-master', '172.22.0.2', { policy: 'Local', endpoints: [['master', true]] })
let server: FakeApiServer | undefined

async function stage(isHeard = true): Promise<FakeApiServer> {
  await server?.close()
  const opened = await serve(labObjects([everywhere, atMaster]))
  // The speakers and the controller, as far as this is about them.
  opened.store.onChange(({ collection, key, after }) => {
    if (collection !== '/nodes' || after === undefined || !isHeard) return
    const drained = after.metadata.annotations?.[drainKey] === 'true'
    if (key !== 'worker1') {
      opened.put(speakers, speakerObject(key, [], { state: drained ? 'Drained' : 'Running' }) as never)
      return
    }
    const proxied = [{ node: key, addresses: [], usable: !drained, announcedBy: [], ...(drained ? reason : {}) }]
    opened.put(racks, { metadata: { name: 'leaf1' }, status: { speakers: [], proxied } })
  })
  return opened
}
const reason = { reason: 'NodeDrained' }

beforeEach(async () => {
  server = await stage()
})
after(() => server?.close())

interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
  readonly annotation: string | undefined
}

async function act(
  node: string,
  drain: boolean,
  options: Partial<DrainOptions> = {},
  confirm?: (question: string) => Promise<boolean>,
): Promise<Outcome> {
  assert.ok(server !== undefined)
  const client = openClient(server.credentials, { log: silentLog, clock: systemClock, userAgent: 'test' })
  const said = { out: '', err: '' }
  const stream = (name: 'out' | 'err') => ({ write: (text: string) => void (said[name] += text) }) as never
  const cli = { out: stream('out'), err: stream('err'), paint: () => openPaint(false) }
  const globals = { options: () => ({ systemNamespace: 'bellhop-system', color: false }), wallMs: Date.now }
  const view = await readView(globals, { client }, partsOfWays)
  const context = { cli, client, view, clock: systemClock, confirm }
  const all = { dryRun: false, force: false, wait: true, timeout: 5, ...options }
  const status = await setDrain(context, node, drain, all)
  client.close()
  return { ...said, status, annotation: server.get(nodes, node)?.metadata.annotations?.[drainKey] }
}

void test('drain: annotated, waited for, and said', async () => {
  const { out, status, annotation } = await act('worker2', true)
  assert.match(out, /^The drain of node worker2: no address would lose its last way\./)
  assert.match(out, /Node worker2 is annotated for drain\.\nNode worker2 is out of traffic\.\n$/)
  assert.deepEqual([status, annotation], [0, 'true'])
  const again = await act('worker2', true)
  assert.match(again.out, /^Node worker2 is annotated for drain already\.\nNode worker2 is out of traffic\./)
  const node = server?.get(nodes, 'worker2')
  assert.ok(server !== undefined && node !== undefined)
  const annotations = { ...node.metadata.annotations, 'bellhop.dev/drained-for': 'uninstall' }
  server.put(nodes, { ...node, metadata: { ...node.metadata, annotations } })
  const back = await act('worker2', false)
  assert.deepEqual(server.get(nodes, 'worker2')?.metadata.annotations, {})
  assert.match(back.out, /Node worker2 is in traffic again\.\n$/)
  assert.deepEqual([back.status, back.annotation], [0, undefined])
})

void test('drain that takes the last way of an address: refused unless forced or agreed to', async () => {
  const refused = await act('master', true)
  assert.match(refused.out, /1 address would lose the last way to it/)
  assert.match(refused.err, /^Nothing was changed\. With --force it is done all the same\.\n$/)
  assert.deepEqual([refused.status, refused.annotation], [1, undefined])
  const questions: string[] = []
  const no = await act('master', true, {}, (question) => {
    questions.push(question)
    return Promise.resolve(false)
  })
  assert.deepEqual(questions, ['1 address loses its last way. Go on? [y/N] '])
  assert.deepEqual([no.status, no.annotation], [1, undefined])
  assert.equal((await act('master', true, {}, () => Promise.resolve(true))).annotation, 'true')
  await act('master', false)
  assert.deepEqual((await act('master', true, { force: true })).annotation, 'true')
})

void test('drain --dry-run: said, not done', async () => {
  const { out, status, annotation } = await act('worker2', true, { dryRun: true })
  assert.match(out, /Nothing was changed \(--dry-run\)\.\n$/)
  assert.deepEqual([status, annotation], [0, undefined])
})

void test('drain of a node without a speaker: it is the racks that say so', async () => {
  const { out, status } = await act('worker1', true)
  assert.match(out, /Node worker1 has no speaker of its own: others announce it, or nobody does\./)
  assert.match(out, /Node worker1 is out of traffic as far as the racks say\.\n$/)
  assert.equal(status, 0)
})

void test('drain that nobody hears: the time is over, exit status 1', async () => {
  server = await stage(false)
  const { out, err, status, annotation } = await act('worker2', true, { timeout: 1 })
  assert.match(out, / {2}its speaker says Running\n$/)
  assert.match(err, /^Node worker2 was not seen drained within 1 s/)
  assert.deepEqual([status, annotation], [1, 'true'])
  assert.equal((await act('nowhere', true)).status, 1)
})
