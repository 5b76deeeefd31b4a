// A real Prometheus on the lab's master, with the rules of manifests/monitoring. It scrapes what runs, as a PodMonitor
// would have it: job and node are labels of every series. What the rules wait for is cut to a second, and nothing else:
// promtool judges them as they are (test/unit/monitoring).
import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'

import { type Lab, waitFor } from '../lab/index.ts'
import { inNamespace } from '../lab/command.ts'
import { readRecord } from '../lab/record.ts'
import { readRuleGroups } from '../monitoring/rules.ts'
import { findProgram } from '../monitoring/tools.ts'
import { expect } from './claim.ts'

type Labels = Readonly<Record<string, string>>

export interface Prometheus {
  /** Result of an instant query, by labels. */
  query(expression: string): Promise<readonly { readonly labels: Labels; readonly value: number }[]>
  /** Every rule has been evaluated, without an error. */
  judged(): Promise<boolean>
  /** Alerts that fire. */
  firing(): Promise<readonly { readonly labels: Labels; readonly annotations: Labels }[]>
  /** Waits until the alert fires with these labels; resolves with its summary. */
  fires(alert: string, labels?: Labels): Promise<string>
  /** Waits until it does not. */
  rests(alert: string, labels?: Labels): Promise<void>
}

const ours = ['webhook', 'controller', 'speaker']
const listens = '127.0.0.1:9990'
/** One that lags behind on a busy machine is still heard. */
const waits = { timeoutMs: 60_000, everyMs: 300 }

/** Every program of Bellhop that runs now. */
const targetsOf = (lab: Lab): readonly { readonly targets: readonly string[]; readonly labels: Labels }[] =>
  Object.values(readRecord(lab.prefix)?.programs ?? {}).flatMap(({ program, role, metrics }) =>
    ours.includes(program) && metrics !== undefined
      ? [{ targets: [metrics], labels: { job: `bellhop-${program}`, node: role } }]
      : [],
  )

export async function withPrometheus<T>(lab: Lab, show: (prometheus: Prometheus) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'bellhop-prometheus-'))
  let written = ''
  const follow = (): void => {
    const text = JSON.stringify(targetsOf(lab))
    if (text === written) return
    written = text
    writeFileSync(join(folder, 'targets.new'), text)
    renameSync(join(folder, 'targets.new'), join(folder, 'targets.json'))
  }
  follow()
  writeFileSync(join(folder, 'rules.yaml'), stringify({ groups: quickRules() }))
  writeFileSync(
    join(folder, 'prometheus.yaml'),
    stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml'],
      scrape_configs: [{ job_name: 'bellhop', file_sd_configs: [{ files: ['targets.json'], refresh_interval: '5s' }] }],
    }),
  )
  const log = openSync(join(lab.files.logs, 'prometheus@master.log'), 'a')
  const [file = '', ...args] = inNamespace(lab.namespace('master'), [
    findProgram('prometheus'),
    `--config.file=${join(folder, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${listens}`,
    '--log.level=warn',
  ])
  const child = spawn(file, args, { stdio: ['ignore', log, log], env: { ...process.env, GOMAXPROCS: '1' } })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const following = setInterval(follow, 500)
  try {
    const prometheus = openPrometheus(lab)
    await waitFor(
      'Prometheus has scraped every program and judged every rule',
      async () => {
        expect(child.exitCode === null, 'it has ended: see its log')
        const up = await prometheus.query('up == 1')
        const judged = await prometheus.judged()
        return up.length === targetsOf(lab).length && up.length > 0 && judged
      },
      waits,
    )
    return await show(prometheus)
  } finally {
    clearInterval(following)
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}

function quickRules(): object {
  return readRuleGroups().map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({ ...rule, for: rule.for === '0m' ? '0s' : '1s' })),
  }))
}

function openPrometheus(lab: Lab): Prometheus {
  const ask = async <T>(path: string, ...options: readonly string[]): Promise<T> => {
    const url = `http://${listens}/api/v1/${path}`
    const text = await lab.read('master', ['curl', '-sS', '--max-time', '5', ...options, url])
    const { status, data, error } = JSON.parse(text) as { status: string; data: T; error?: string }
    expect(status === 'success', `${path}: ${error}`)
    return data
  }
  const firing: Prometheus['firing'] = async () => {
    const { alerts } = await ask<{ alerts: readonly { labels: Labels; annotations: Labels; state: string }[] }>(
      'alerts',
    )
    return alerts.filter(({ state }) => state === 'firing')
  }
  const find = async (alert: string, wanted: Labels) => {
    const all = await firing()
    const isMeant = (labels: Labels): boolean =>
      Object.entries({ alertname: alert, ...wanted }).every(([name, value]) => labels[name] === value)
    return { all, found: all.find(({ labels }) => isMeant(labels)) }
  }
  return {
    firing,
    async judged() {
      const { groups } = await ask<{ groups: readonly { rules: readonly { health: string; lastError?: string }[] }[] }>(
        'rules',
      )
      return groups.length > 0 && groups.every(({ rules }) => rules.every(({ health }) => health === 'ok'))
    },
    async query(expression) {
      interface Vector {
        readonly result: readonly { readonly metric: Labels; readonly value: readonly [number, string] }[]
      }
      const { result } = await ask<Vector>('query', '-G', '--data-urlencode', `query=${expression}`)
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    },
    async fires(alert, labels = {}) {
      let seen = ''
      const { annotations } = await waitFor(
        `${alert} fires${describe(labels)}`,
        async () => {
          const { all, found } = await find(alert, labels)
          seen = all.map((each) => each.labels['alertname'] + describe(each.labels)).join('; ')
          return found
        },
        { ...waits, missing: () => `these do: ${seen}` },
      )
      const { summary = '', description = '' } = annotations
      expect(!/error expanding|<no value>|\{\{/.test(summary + description), `${alert} says ${summary} ${description}`)
      return summary
    },
    async rests(alert, labels = {}) {
      const gone = async (): Promise<boolean> => (await find(alert, labels)).found === undefined
      await waitFor(`${alert} no longer fires${describe(labels)}`, gone, waits)
    },
  }
}

function describe(labels: Labels): string {
  const shown = Object.entries(labels).filter(([name]) => !['alertname', 'severity', 'job', 'instance'].includes(name))
  return shown.length === 0 ? '' : ` {${shown.map(([name, value]) => `${name}=${value}`).join(', ')}}`
}
