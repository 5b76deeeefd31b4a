import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Family, type Kind, catalogue } from '../../../../src/io/telemetry/catalogue.ts'
import { openMetrics } from '../../../../src/io/telemetry/metrics.ts'

const families: readonly Family<Kind, string>[] = Object.values(catalogue)

void test('a program serves its own families and no others', async () => {
  const metrics = openMetrics('webhook', '1.2.3')
  metrics.admissionDecisions.add({ path: '/mutate-service', decision: 'claim', reason: 'Assigned' })
  // Of other programs: goes nowhere.
  metrics.bgpSessionUp.replaceAll([[{ peer: 'leaf1' }, 1]])
  metrics.timeToAddress.observe({}, 1)
  const text = await metrics.exposition.text()
  assert.match(text, /bellhop_build_info\{program="webhook",version="1\.2\.3"\} 1/)
  assert.match(
    text,
    /bellhop_admission_decisions_total\{path="\/mutate-service",decision="claim",reason="Assigned"\} 1/,
  )
  assert.match(text, /bellhop_event_loop_delay_p99_seconds [0-9.e-]+/)
  assert.doesNotMatch(text, /leaf1|time_to_address/)
  assert.doesNotMatch(await openMetrics('speaker', '1.2.3').exposition.text(), /admission/)
})

void test('every family says what it is: counters are counters', async () => {
  for (const program of ['webhook', 'controller', 'speaker'] as const) {
    const text = await openMetrics(program, '1').exposition.text()
    const served = families.filter(({ programs }) => programs.includes(program))
    for (const { name, kind } of served)
      assert.match(text, new RegExp(`^# TYPE bellhop_${name} ${kind}$`, 'm'), `${program} serves ${name}`)
    assert.equal(text.match(/^# TYPE /gm)?.length, served.length)
  }
})

void test('replaceAll leaves the named series only', async () => {
  const metrics = openMetrics('speaker', '1')
  metrics.bgpPrefixesSent.replaceAll([[{ peer: 'leaf1' }, 1]])
  metrics.bgpPrefixesSent.replaceAll([[{ peer: 'leaf2' }, 2]])
  metrics.bgpSessionFlaps.replaceAll([[{ peer: 'leaf1' }, 3]])
  metrics.bgpSessionFlaps.replaceAll([[{ peer: 'leaf2' }, 4]])
  metrics.bgpSessionFlaps.replaceAll([[{ peer: 'leaf2' }, 5]])
  const text = await metrics.exposition.text()
  assert.match(text, /^bellhop_bgp_prefixes_sent\{peer="leaf2"\} 2$/m)
  // A total, not a sum of totals.
  assert.match(text, /^bellhop_bgp_session_flaps_total\{peer="leaf2"\} 5$/m)
  assert.doesNotMatch(text, /leaf1/)
})

void test('CPU time is a counter that grows, and the start of the process lies in the past', async () => {
  const metrics = openMetrics('speaker', '1')
  const read = async (name: string): Promise<number> =>
    Number(new RegExp(`^bellhop_${name} (\\S+)$`, 'm').exec(await metrics.exposition.text())?.[1])
  const before = await read('process_cpu_seconds_total')
  const until = process.cpuUsage()
  while (process.cpuUsage(until).user < 20_000) Math.hypot(...Array.from({ length: 1000 }, Math.random))
  assert.ok((await read('process_cpu_seconds_total')) >= before + 0.02)
  const startedMs = (await read('process_start_time_seconds')) * 1000
  assert.ok(startedMs <= Date.now() + 1000 && startedMs > Date.now() - 3_600_000)
})

void test('every name is in base units, has a help sentence, and stands once', () => {
  const names = families.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const { name, help, kind, query = '' } of families) {
    assert.match(help, /\.$/, name)
    assert.doesNotMatch(name, /_(ms|millis|milliseconds|minutes|kilobytes)(_|$)/)
    assert.equal(name.endsWith('_total'), kind === 'counter', `${name} is a ${kind}`)
    if (query !== '') assert.ok(query.includes(`bellhop_${name}`), `the query of ${name} asks for it`)
  }
})

void test('no label grows with Services', () => {
  const bounded = new Set(
    'program version resource path decision reason outcome certificate peer state direction code duty eip family rack node write'.split(
      ' ',
    ),
  )
  for (const { name, labels } of families)
    for (const label of labels) assert.ok(bounded.has(label), `${label} of ${name} is known to be a small set`)
})
