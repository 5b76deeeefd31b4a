// What rules and dashboard ask for is what the programs serve: every metric with every label, and no other.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'

import { listAt, numberAt, objectAt, stringAt } from '../../../src/core/model/index.ts'
import { type Family, type Kind, catalogue, prefix } from '../../../src/io/telemetry/catalogue.ts'
import { openElbNames } from '../../../tools/metrics-page.ts'
import { readRuleGroups } from '../../monitoring/rules.ts'
import { alertCases } from './alert-cases.ts'
import { selectorsOf } from './selectors.ts'

/** Of others, with the labels that are asked for. `job`, `node` and `instance` stand on every target. */
const foreign: Readonly<Record<string, readonly string[]>> = {
  up: [],
  apiserver_admission_webhook_fail_open_count: ['name', 'type'],
}
const ofTarget = ['job', 'node', 'instance']

const served = new Map<string, readonly string[]>(Object.entries(foreign))
for (const { name, kind, labels } of Object.values<Family<Kind, string>>(catalogue)) {
  if (kind !== 'histogram') served.set(prefix + name, labels)
  else for (const suffix of ['_bucket', '_sum', '_count']) served.set(prefix + name + suffix, [...labels, 'le'])
}

/** What is asked for and not served. */
function complaintsAbout(expression: string): readonly string[] {
  const { metrics, grouped } = selectorsOf(expression)
  const known = new Set(metrics.flatMap(({ name }) => served.get(name) ?? []))
  return [
    ...metrics.flatMap(({ name, labels }) => {
      const has = served.get(name)
      if (has === undefined) return [`${name} is served by nobody`]
      return labels.filter((label) => ![...has, ...ofTarget].includes(label)).map((label) => `${name} has no ${label}`)
    }),
    ...grouped.filter((label) => !known.has(label) && !ofTarget.includes(label)).map((label) => `none has ${label}`),
    ...(metrics.length === 0 ? ['it asks for nothing'] : []),
  ]
}

const folder = join(import.meta.dirname, '../../../manifests/monitoring')
const dashboard: unknown = JSON.parse(readFileSync(join(folder, 'dashboard.json'), 'utf8'))
const panels = listAt(dashboard, 'panels')

void test('the checker itself: an unknown metric, an unknown label, an unknown label of a sum', () => {
  assert.deepEqual(complaintsAbout('sum by (peer) (rate(bellhop_bgp_session_up{peer=~"a|b{}"}[5m])) > 0'), [])
  assert.deepEqual(complaintsAbout('bellhop_no_such'), ['bellhop_no_such is served by nobody'])
  assert.deepEqual(complaintsAbout('bellhop_ready{peer="x"}'), ['bellhop_ready has no peer'])
  assert.deepEqual(complaintsAbout('max by (eip) (bellhop_ready)'), ['none has eip'])
})

void test('every metric and label of the rules is served', () => {
  for (const { alert, expr } of readRuleGroups().flatMap(({ rules }) => rules))
    assert.deepEqual(complaintsAbout(expr), [], alert)
})

void test('every series of the tests of the rules is served', () => {
  for (const { alert, series } of alertCases)
    for (const name of Object.keys(series)) if (name !== 'other') assert.deepEqual(complaintsAbout(name), [], alert)
})

void test('every metric and label of the dashboard is served; its panels are legible and do not overlap', () => {
  assert.ok(panels.length >= 12 && panels.length <= 15, `${panels.length} panels`)
  const taken = new Map<string, string>()
  for (const panel of panels) {
    const title = stringAt(panel, 'title') ?? ''
    assert.ok(title !== '' && (stringAt(panel, 'description') ?? '') !== '', `${title} says what it shows`)
    assert.ok(stringAt(panel, 'fieldConfig', 'defaults', 'unit') !== undefined, `${title} has a unit`)
    for (const target of listAt(panel, 'targets')) {
      const expression = (stringAt(target, 'expr') ?? '').replaceAll('$__rate_interval', '5m')
      assert.deepEqual(complaintsAbout(expression), [], title)
      assert.equal(stringAt(target, 'datasource', 'uid'), '${datasource}', title)
      const had = new Set(
        selectorsOf(expression).metrics.flatMap(({ name }) => [...(served.get(name) ?? []), ...ofTarget]),
      )
      for (const [, label = ''] of (stringAt(target, 'legendFormat') ?? '').matchAll(/\{\{(\w+)\}\}/g))
        assert.ok(had.has(label), `${title}: its legend names ${label}`)
    }
    const at = objectAt(panel, 'gridPos')
    const [x = 0, y = 0, w = 0, h = 0] = ['x', 'y', 'w', 'h'].map((name) => numberAt(at, name))
    assert.ok(x + w <= 24, `${title} fits in the width`)
    for (let column = x; column < x + w; column++)
      for (let line = y; line < y + h; line++) {
        assert.equal(taken.get(`${column} ${line}`), undefined, `${title} lies on another panel`)
        taken.set(`${column} ${line}`, title)
      }
  }
})

void test('the queries and the names for OpenELB in the reference are served', () => {
  for (const { name, query } of Object.values<Family<Kind, string>>(catalogue))
    if (query !== undefined) assert.deepEqual(complaintsAbout(query), [], name)
  for (const [theirs, ours] of openElbNames) if (ours !== '') assert.deepEqual(complaintsAbout(ours), [], theirs)
})

void test('the PodMonitor finds all three programs by a port that each of them has', () => {
  const read = (file: string): unknown => parse(readFileSync(join(folder, file), 'utf8'))
  const monitor = read('pod-monitor.yaml')
  const wanted = objectAt(monitor, 'spec', 'selector', 'matchLabels')
  const [endpoint] = listAt(monitor, 'spec', 'podMetricsEndpoints')
  for (const program of ['webhook', 'controller', 'speaker']) {
    const [workload = ''] = readFileSync(join(folder, `../base/${program}.yaml`), 'utf8').split(/^---$/m)
    const template = objectAt(parse(workload), 'spec', 'template')
    const labels = objectAt(template, 'metadata', 'labels')
    for (const [label, value] of Object.entries(wanted)) assert.equal(labels[label], value, program)
    assert.equal(labels['app.kubernetes.io/component'], program)
    const ports = listAt(template, 'spec', 'containers').flatMap((container) => listAt(container, 'ports'))
    assert.ok(
      ports.some((port) => stringAt(port, 'name') === stringAt(endpoint, 'port')),
      program,
    )
  }
})
