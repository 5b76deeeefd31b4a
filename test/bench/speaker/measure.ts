// Runs at the router's place of a stand: makes changes at the API server, and notes when the routers have heard of them.
// Prints a Measure as JSON on a line of its own, everything else is progress.
//
//   node measure.ts KUBECONFIG SERVICE-ACCOUNT PROGRAMS PREFIX SIZE…
import { setTimeout as pause } from 'node:timers/promises'

import { nodes, readCredentials } from '../../../src/io/kube/index.ts'
import { openApi } from '../../lab/api.ts'
import { registerNodes } from '../../lab/node-objects.ts'
import { waitFor } from '../../lab/wait.ts'
import { type Measure, asValue, quantile } from '../measure.ts'
import { churn } from './churn.ts'
import { type Listener, openListener } from './listener.ts'
import {
  addressOf,
  assignAddress,
  createConfiguration,
  createService,
  createServices,
  deleteService,
  isLocal,
  mostWithLocal,
  patchService,
  setEndpoint,
} from './objects.ts'
import { startSpeaker } from './process.ts'
import { listenerAddresses } from './stand.ts'

const [kubeconfig = '', serviceAccount = '', programs = '', prefix = '', ...sizes] = process.argv.slice(2)
const whereabouts = { prefix, serviceAccount, programs }
/** Of each kind of change. */
const samples = 100
const exclusions = 3
const exclusionLabel = 'node.kubernetes.io/exclude-from-external-load-balancers'
const patient = { timeoutMs: 60_000, everyMs: 5 }

const say = (line: string): void => void process.stdout.write(`   ${line}\n`)
const report = (...measures: readonly Measure[]): void => {
  for (const each of measures) process.stdout.write(`${JSON.stringify(each)}\n`)
}

const api = openApi(await readCredentials({ kubeconfig }))
await registerNodes(api)
await createConfiguration(api, listenerAddresses)
const listeners = await Promise.all(listenerAddresses.map(openListener))
let speaker = await startSpeaker(whereabouts)

let there = 0
await allHeld(0)
await rest('with no Service', 0, 80)
for (const size of sizes.map(Number)) {
  say(`${size} Services with three endpoints each`)
  await createServices(api, there, size)
  there = size
  await allHeld(size)
  await restart(size)
  await rest(`with ${size} Services`, size, size <= 1_000 ? 90 : 120)
  await session(size)
  await change(size)
  await exclude(size)
  report(...(await churn({ api, listeners, size, say })))
  report(asValue(`resident memory after that, ${size} Services`, 'MB', speaker.residentMb(), size <= 1_000 ? 90 : 120))
}
await speaker.stop()
for (const each of listeners) each.close()
api.close()

async function allHeld(size: number): Promise<void> {
  await waitFor(
    `both sessions have ${size} prefixes and End-of-RIB`,
    () => listeners.every(({ held, session: { endOfRibMs } }) => held.size === size && endOfRibMs !== undefined),
    { ...patient, timeoutMs: 120_000, missing: () => listeners.map(({ held }) => held.size).join(' and ') },
  )
}

async function restart(size: number): Promise<void> {
  const values: number[] = []
  for (let round = 0; round < 3; round++) {
    await speaker.stop()
    await waitFor('the sessions are gone', () => listeners.every(({ held }) => held.size === 0), patient)
    for (const each of listeners) each.session.endOfRibMs = undefined
    const begunMs = performance.now()
    speaker = await startSpeaker(whereabouts)
    await allHeld(size)
    values.push(latest((each) => each.session.endOfRibMs) - begunMs)
  }
  report(asValue(`start → End-of-RIB, ${size} Services`, 'ms', quantile(values, 0.5), size <= 1_000 ? 1_500 : 5_000))
}

async function rest(when: string, size: number, mostMb: number): Promise<void> {
  await pause(15_000)
  const before = speaker.cpuSeconds()
  await pause(20_000)
  const share = ((speaker.cpuSeconds() - before) / 20) * 100
  report(
    asValue(`resident memory ${when}`, 'MB', speaker.residentMb(), mostMb),
    asValue(`processor at rest, ${size} Services`, '%', share, 1),
  )
}

async function session(size: number): Promise<void> {
  const values: number[] = []
  for (let round = 0; round < 3; round++) {
    for (const each of listeners) each.session.endOfRibMs = undefined
    for (const each of listeners) each.hangUp()
    await allHeld(size)
    values.push(
      ...listeners.map(({ session: one }) => (one.endOfRibMs ?? Number.NaN) - (one.establishedMs ?? Number.NaN)),
    )
  }
  report(asValue(`session up → ${size} prefixes and End-of-RIB`, 'ms', quantile(values, 0.5), 1_000))
}

// Each waits for the one before: what is measured is the way of one change.
async function change(size: number): Promise<void> {
  const endpoint: number[] = []
  const created: number[] = []
  const policy: number[] = []
  const deleted: number[] = []
  for (let i = 0; i < samples; i++) {
    const local = ((i * 7919) % (Math.min(size, mostWithLocal) / 2)) * 2 + 1
    endpoint.push(await timed(local, false, () => setEndpoint(api, local, 'master', false)))
    endpoint.push(await timed(local, true, () => setEndpoint(api, local, 'master', true)))
  }
  say(`${samples} endpoints changed`)
  for (let i = 0; i < samples; i++) {
    const fresh = size + i
    await createService(api, fresh, { assigned: false })
    created.push(await timed(fresh, true, () => assignAddress(api, fresh)))
  }
  say(`${samples} Services created`)
  for (let i = 0; i < samples; i++) {
    const fresh = size + i
    // Without a ready endpoint here, the policy decides.
    await setEndpoint(api, fresh, 'master', false)
    const cluster = { spec: { externalTrafficPolicy: 'Cluster' } }
    const local = { spec: { externalTrafficPolicy: 'Local' } }
    if (!isLocal(fresh)) policy.push(await timed(fresh, false, () => patchService(api, fresh, local)))
    else {
      await waitFor('the withdrawal', () => listeners.every(({ held }) => !held.has(addressOf(fresh))), patient)
      policy.push(await timed(fresh, true, () => patchService(api, fresh, cluster)))
      policy.push(await timed(fresh, false, () => patchService(api, fresh, local)))
    }
    await setEndpoint(api, fresh, 'master', true)
    await waitFor('the way back', () => listeners.every(({ held }) => held.has(addressOf(fresh))), patient)
  }
  say(`policy changed`)
  for (let i = 0; i < samples; i++) deleted.push(await timed(size + i, false, () => deleteService(api, size + i)))
  for (const [what, values] of Object.entries({ endpoint, created, policy, deleted })) {
    report(
      asValue(`${what} → UPDATE on both sessions, ${size} Services, p50`, 'ms', quantile(values, 0.5), 10),
      asValue(`${what} → UPDATE on both sessions, ${size} Services, p99`, 'ms', quantile(values, 0.99), 20),
    )
  }
}

/** Milliseconds from the API server's answer until the last router had heard of it. */
async function timed(index: number, announced: boolean, work: () => Promise<void>): Promise<number> {
  const bits = addressOf(index)
  const begunMs = performance.now()
  await work()
  const answeredMs = performance.now()
  await waitFor(
    `${announced ? 'an announcement' : 'a withdrawal'} of number ${index}`,
    () =>
      listeners.every(({ held, changedMs }) => held.has(bits) === announced && (changedMs.get(bits) ?? 0) > begunMs),
    { ...patient, everyMs: 1 },
  )
  return latest(({ changedMs }) => changedMs.get(bits)) - answeredMs
}

async function exclude(size: number): Promise<void> {
  const first: number[] = []
  const all: number[] = []
  for (let i = 0; i < exclusions; i++) {
    for (const label of ['', null]) {
      await quiet()
      const body = { metadata: { labels: { [exclusionLabel]: label } } }
      const answer = await api.client.patch({ resource: nodes, name: 'master' }, { type: 'merge', body })
      if (!answer.ok) throw new Error(answer.error.message)
      const answeredMs = performance.now()
      const wanted = label === null ? size : 0
      await waitFor(`${wanted} prefixes`, () => listeners.every(({ held }) => held.size === wanted), patient)
      const times = listeners.flatMap(({ changedMs }) => [...changedMs.values()].filter((ms) => ms > answeredMs - 50))
      first.push(Math.min(...times) - answeredMs)
      all.push(times.reduce((a, b) => Math.max(a, b), 0) - answeredMs)
    }
  }
  report(
    asValue(`node excluded or back → first UPDATE, ${size} Services, worst`, 'ms', Math.max(...first), 20),
    asValue(`node excluded or back → all UPDATEs, ${size} Services, worst`, 'ms', Math.max(...all), 1_000),
  )
}

// What the change before led to is over, its host routes included.
async function quiet(): Promise<void> {
  let before = Number.NEGATIVE_INFINITY
  await waitFor(
    'the speaker has nothing to do',
    () => {
      const now = speaker.cpuSeconds()
      const isQuiet = now - before <= 0.02
      before = now
      return isQuiet
    },
    { timeoutMs: 30_000, everyMs: 500 },
  )
}

function latest(of: (listener: Listener) => number | undefined): number {
  return Math.max(...listeners.map((each) => of(each) ?? Number.NaN))
}
