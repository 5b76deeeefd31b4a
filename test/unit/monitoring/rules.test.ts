// The alerts, judged by promtool: each is quiet when all is well, fires when it should and says of what.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'

import { type Family, type Kind, catalogue } from '../../../src/io/telemetry/catalogue.ts'
import { type RuleGroup, readRuleGroups } from '../../monitoring/rules.ts'
import { findProgram } from '../../monitoring/tools.ts'
import type { AlertCase } from './alert-case.ts'
import { alertCases } from './alert-cases.ts'

const groups = readRuleGroups()
const rules = groups.flatMap((group) => group.rules)
const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/operations/monitoring.md'), 'utf8')

/** What promtool says about rules and cases; empty when all hold. */
async function judge(judged: readonly RuleGroup[], cases: readonly AlertCase[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bellhop-rules-'))
  const write = (file: string, content: object): string => {
    writeFileSync(join(folder, file), stringify(content))
    return join(folder, file)
  }
  try {
    const promtool = findProgram('promtool')
    const run = promisify(execFile)
    await run(promtool, ['check', 'rules', write('rules.yaml', { groups: judged })])
    // Each alert with its own rule alone: all of them evaluated for each take a quarter of a minute.
    const tests = judged
      .flatMap((group) => group.rules)
      .map(({ alert, annotations: { summary }, ...rule }) => {
        // Descriptions and runbooks would have to be repeated word by word.
        const bare = { alert, ...rule, annotations: { summary } }
        write(`${alert}.yaml`, { groups: [{ name: alert, rules: [bare] }] })
        const ofAlert = cases.filter((each) => each.alert === alert)
        return write(`${alert}.test.yaml`, { rule_files: [`${alert}.yaml`], ...testOf(ofAlert) })
      })
    await run(promtool, ['test', 'rules', ...tests])
    return ''
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    return `${stdout}${stderr}` || message
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function testOf(cases: readonly AlertCase[]): object {
  return {
    evaluation_interval: '1m',
    tests: cases.map(({ alert: alertname, series, quiet, fires }) => ({
      name: alertname,
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: [
        ...quiet.map((eval_time) => ({ eval_time, alertname, exp_alerts: [] })),
        ...(fires === undefined ? [] : [{ eval_time: fires.at, alertname, exp_alerts: [expected(alertname, fires)] }]),
      ],
    })),
  }
}

function expected(alert: string, { labels, summary }: NonNullable<AlertCase['fires']>): object {
  const severity = rules.find((rule) => rule.alert === alert)?.labels.severity ?? 'there is no such rule'
  return { exp_labels: { ...labels, severity }, exp_annotations: { summary } }
}

void test('every alert is quiet when all is well and fires when it should, by promtool', async () => {
  assert.equal(await judge(groups, alertCases), '')
})

void test('every rule has a case in which it fires', () => {
  const fired = new Set(alertCases.flatMap(({ alert, fires }) => (fires === undefined ? [] : [alert])))
  assert.deepEqual(
    rules.map(({ alert }) => alert).filter((alert) => !fired.has(alert)),
    [],
  )
})

void test('the cases tell a rule that is wrong', async () => {
  const good = rules.filter(({ alert }) => alert === 'BellhopSessionDown')
  const wrong = good.map((rule) => ({ ...rule, expr: rule.expr.replace('== 0', '== 1') }))
  assert.equal(await judge([{ name: 'good', rules: good }], alertCases), '')
  assert.match(await judge([{ name: 'wrong', rules: wrong }], alertCases), /FAILED[\s\S]*BellhopSessionDown/)
})

void test('every query of the dashboard and of the reference is PromQL', async () => {
  const { panels } = JSON.parse(readFileSync(join(root, 'manifests/monitoring/dashboard.json'), 'utf8')) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
  }
  const families: readonly Family<Kind, string>[] = Object.values(catalogue)
  const queries = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m'))),
    ...families.flatMap(({ query }) => query ?? []),
  ]
  const folder = mkdtempSync(join(tmpdir(), 'bellhop-queries-'))
  try {
    const file = join(folder, 'queries.yaml')
    const record = (expr: string, at: number): object => ({ record: `query:${at}`, expr })
    writeFileSync(file, stringify({ groups: [{ name: 'queries', rules: queries.map(record) }] }))
    await promisify(execFile)(findProgram('promtool'), ['check', 'rules', file])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

void test('the configuration in docs/operations/monitoring.md is one that Prometheus takes', async () => {
  const [, block = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  const config = parse(block) as { readonly scrape_configs: readonly Readonly<Record<string, unknown>>[] }
  // Debian builds Prometheus without this one: the rest is checked.
  const [{ kubernetes_sd_configs: discovery, ...job } = {}, ...more] = config.scrape_configs
  assert.deepEqual([discovery, more], [[{ role: 'pod', namespaces: { names: ['bellhop-system'] } }], []])
  const folder = mkdtempSync(join(tmpdir(), 'bellhop-config-'))
  try {
    writeFileSync(join(folder, 'prometheus.yaml'), stringify({ scrape_configs: [job] }))
    await promisify(execFile)(findProgram('promtool'), ['check', 'config', join(folder, 'prometheus.yaml')])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

void test('every alert says what, where and what to do, of labels that it has, and has its section', () => {
  for (const { alert, annotations, labels } of rules) {
    const { summary, description, runbook } = annotations
    for (const text of [summary, description]) assert.match(text, /\.$/, `${alert}: ${text}`)
    assert.ok(['critical', 'warning', 'info'].includes(labels.severity), alert)
    assert.equal(runbook, `docs/operations/monitoring.md#${alert.toLowerCase()}`)
    assert.match(page, new RegExp(`^#+ ${alert}$`, 'm'), `${alert} has a section in docs/operations/monitoring.md`)
    const had = new Set(
      alertCases.flatMap(({ alert: of, fires }) => (of === alert ? Object.keys(fires?.labels ?? {}) : [])),
    )
    for (const [, label = ''] of `${summary} ${description}`.matchAll(/\$labels\.(\w+)/g))
      assert.ok(had.has(label), `${alert} names its label ${label}`)
  }
  const sections = new Set(Array.from(page.matchAll(/^#+ (Bellhop\w+)$/gm), ([, name]) => name))
  assert.deepEqual(sections, new Set(rules.map(({ alert }) => alert)), 'no section is of another alert')
})
