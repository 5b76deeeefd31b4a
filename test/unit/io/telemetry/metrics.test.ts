import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue, openMetrics } from '../../../../src/io/telemetry/metrics.ts'

void test('a program serves its own families and no others', async () => {
  const metrics = openMetrics('webhook', '1.2.3')
  metrics.admissionDecisions.add({ path: '/mutate-service', decision: 'claim', reason: 'Assigned' })
  const text = await metrics.exposition.text()
  assert.match(text, /bellhop_build_info\{version="1\.2\.3"\} 1/)
  assert.match(
    text,
    /bellhop_admission_decisions_total\{path="\/mutate-service",decision="claim",reason="Assigned"\} 1/,
  )
  assert.match(text, /bellhop_event_loop_delay_p99_seconds [0-9.e-]+/)
  assert.doesNotMatch(await openMetrics('speaker', '1.2.3').exposition.text(), /admission/)
})

void test('replaceAll leaves the named series only', async () => {
  const metrics = openMetrics('webhook', '1')
  metrics.certificateExpiry.set({ certificate: 'serving' }, 1)
  metrics.certificateExpiry.replaceAll([[{ certificate: 'ca' }, 2]])
  const text = await metrics.exposition.text()
  assert.match(text, /certificate="ca"\} 2/)
  assert.doesNotMatch(text, /certificate="serving"/)
})

void test('every name is in base units, has a help sentence, and stands once', () => {
  const names = Object.values(catalogue).map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const { name, help, kind } of Object.values(catalogue)) {
    assert.match(help, /\.$/, name)
    assert.doesNotMatch(name, /_(ms|millis|milliseconds|minutes|kilobytes)(_|$)/)
    if (kind === 'counter') assert.match(name, /_total$/)
  }
})
