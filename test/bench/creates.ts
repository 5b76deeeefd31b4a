// What Bellhop adds to the creation of Services, with none and with 10,000 that exist already. Baseline of every ratio:
// the same creates of a class that is nobody's, in the same lab.
import { readFileSync } from 'node:fs'
import { apiServerCpuSeconds, countWrites } from '../e2e/api-writes.ts'
import type { CreateTimes } from '../e2e/create-timed.ts'
import { create, eipObject } from '../e2e/claim.ts'
import type { Lab } from '../lab/index.ts'
import { type Batch, createBatch, removeBatch, say, waitForQuiet, withBenchLab } from './bench-lab.ts'
import { type Measure, type Report, asRatio, asRatios, asValue, quantile } from './measure.ts'

const pool = 'bench'
const warmUp = 300
const sequential = 100
const rounds = 2
const many = 1_000
const atOnce = 20
const whileDeleting = 40
const existing = 10_000

export function measureEmpty(report: Report): Promise<void> {
  return withPool(async (lab) => {
    await warm(lab)
    await measureAt(lab, 0, report)
  })
}

export function measureFull(report: Report): Promise<void> {
  return withPool(async (lab) => {
    await createExisting(lab)
    report(...memory(lab))
    await measureAt(lab, existing, report)
  })
}

function withPool<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
  return withBenchLab(async (lab) => {
    await create(lab, eipObject(pool, { address: '172.24.0.0/16' }))
    return work(lab)
  })
}

async function measureAt(lab: Lab, there: number, report: Report): Promise<void> {
  const at = (name: string): string => `${name}, at ${there}`
  say(`at ${there} Services: one after the other`)
  const { bare, ours } = await createOneByOne(lab)
  const bareMs = bare.map(answerMs)
  report(
    ...asRatios(at('create → answer'), ours.map(answerMs), bareMs, { p50: 1.8, p99: 2 }),
    ...asRatios(at('create → ingress'), ours.map(ingressMs), bareMs, { p50: 2.4, p99: 3 }),
  )
  say(`at ${there} Services: ${many}, ${atOnce} at a time`)
  const crowd = await createCrowd(lab)
  report(
    asRatio(at(`${many} creates until all have ingress`), 'ms', crowd.oursMs, crowd.bareMs, 2.2),
    asValue(at('create → ingress meanwhile, p50'), 'ms', crowd.ingressP50Ms, 600),
    asRatio(at('API server CPU for them'), 's', crowd.oursCpu, crowd.bareCpu, 2.2),
    asValue(at('API writes over the life of a Service'), 'writes', crowd.writes, 4),
  )
  say(`at ${there} Services: while ${many} are deleted`)
  const deleting = await createWhileDeleting(lab)
  report(asRatio(at('create → ingress while others are deleted, p50'), 'ms', deleting.oursMs, deleting.bareMs, 2.4))
}

// What runs for months is measured, not its first minute: programs that were started a moment ago have not been compiled
// yet, and neither side's caches are filled.
async function warm(lab: Lab): Promise<void> {
  say(`${warmUp} of either kind first, not measured`)
  for (const kind of ['bare', 'ours'] as const) {
    const batch = await createBatch(lab, kind, warmUp, { pool, atOnce })
    await removeBatch(lab, batch)
    await waitForQuiet(lab, pool)
  }
}

// In turns, so that what the machine does besides falls on both.
async function createOneByOne(lab: Lab): Promise<{ readonly bare: CreateTimes[]; readonly ours: CreateTimes[] }> {
  const bare: CreateTimes[] = []
  const ours: CreateTimes[] = []
  for (let round = 0; round < rounds; round++) {
    for (const [kind, into] of [['bare', bare] as const, ['ours', ours] as const]) {
      const batch = await createBatch(lab, kind, sequential, { pool })
      into.push(...batch.times)
      await removeBatch(lab, batch)
      await waitForQuiet(lab, pool)
    }
  }
  return { bare, ours }
}

interface Crowd {
  readonly bareMs: number
  readonly oursMs: number
  readonly ingressP50Ms: number
  readonly bareCpu: number
  readonly oursCpu: number
  readonly writes: number
}

async function createCrowd(lab: Lab): Promise<Crowd> {
  const cpuOf = async (work: () => Promise<Batch>): Promise<readonly [Batch, number]> => {
    const before = await apiServerCpuSeconds(lab)
    const batch = await work()
    return [batch, (await apiServerCpuSeconds(lab)) - before]
  }
  const bareCrowd = async (): Promise<{ readonly ms: number; readonly cpu: number }> => {
    const [bare, cpu] = await cpuOf(() => createBatch(lab, 'bare', many, { pool, atOnce }))
    await removeBatch(lab, bare)
    await waitForQuiet(lab, pool)
    return { ms: Math.max(...bare.times.map((one) => one.answeredMs)) - startOf(bare), cpu }
  }
  // Before and after: what the machine can do changes within minutes.
  const firstBare = await bareCrowd()
  const before = await countWrites(lab)
  const [ours, oursCpu] = await cpuOf(() => createBatch(lab, 'ours', many, { pool, atOnce }))
  const addresses = new Set(ours.times.map(({ ingress }) => ingress))
  if (addresses.size !== many || addresses.has(null)) {
    throw new Error(`${many} Services have ${addresses.size} addresses between them`)
  }
  await removeBatch(lab, ours)
  await waitForQuiet(lab, pool)
  const after = await countWrites(lab)
  const secondBare = await bareCrowd()
  return {
    bareMs: (firstBare.ms + secondBare.ms) / 2,
    oursMs: Math.max(...ours.times.map((one) => one.ingressMs ?? Number.NaN)) - startOf(ours),
    ingressP50Ms: quantile(ours.times.map(ingressMs), 0.5),
    bareCpu: (firstBare.cpu + secondBare.cpu) / 2,
    oursCpu,
    // The user's own create and delete are not ours.
    writes: (after.done - before.done) / many - 2,
  }
}

function startOf(batch: Batch): number {
  return Math.min(...batch.times.map((one) => one.startMs))
}

async function createWhileDeleting(lab: Lab): Promise<{ readonly bareMs: number; readonly oursMs: number }> {
  const p50: number[] = []
  for (const kind of ['bare', 'ours'] as const) {
    const batch = await createBatch(lab, kind, many, { pool, atOnce })
    const late = createBatch(lab, kind, whileDeleting, { pool, prefix: `${kind}-late` })
    const [{ times, prefix }] = await Promise.all([late, removeBatch(lab, batch)])
    p50.push(quantile(times.map(kind === 'bare' ? answerMs : ingressMs), 0.5))
    await removeBatch(lab, { prefix })
    await waitForQuiet(lab, pool)
  }
  const [bareMs = Number.NaN, oursMs = Number.NaN] = p50
  return { bareMs, oursMs }
}

// Without selector: their addresses are held, nothing has to be announced.
async function createExisting(lab: Lab): Promise<void> {
  await create(lab, eipObject('existing', { address: '172.25.0.0/16' }))
  for (let done = 0; done < existing; done += many) {
    const spec = { selector: null }
    await createBatch(lab, 'ours', many, { atOnce, prefix: `exists-${done / many}`, pool: 'existing', spec })
    say(`${done + many} of ${existing} Services exist`)
  }
}

function memory(lab: Lab): readonly Measure[] {
  return (['webhook', 'controller'] as const).map((program) => {
    const residentMb = lab.program(program).pids().map(residentMbOf)
    return asValue(`resident memory of the ${program}, at ${existing}`, 'MB', Math.max(...residentMb), 200)
  })
}

function residentMbOf(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kb) / 1024
}

function answerMs({ startMs, answeredMs }: CreateTimes): number {
  return answeredMs - startMs
}

function ingressMs({ startMs, ingressMs }: CreateTimes): number {
  return (ingressMs ?? Number.NaN) - startMs
}
