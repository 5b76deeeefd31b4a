// The metrics of one program: what catalogue.ts names for it, and nothing else. Series of gone objects are removed with
// `remove`, or written afresh with `replaceAll`.
import { createRequire } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type * as prometheus from 'prom-client'
import { type Family, type Kind, type Program, catalogue, prefix } from './catalogue.ts'

// The package's index would load its push gateway, its support of node:cluster and its metrics of V8 too: 8 MB in every
// program, for nothing that is used here.
const require = createRequire(import.meta.url)
const Registry = require('prom-client/lib/registry.js') as typeof prometheus.Registry
const Counter = require('prom-client/lib/counter.js') as typeof prometheus.Counter
const Gauge = require('prom-client/lib/gauge.js') as typeof prometheus.Gauge
const Histogram = require('prom-client/lib/histogram.js') as typeof prometheus.Histogram

export interface CounterMetric<Label extends string> {
  add(labels: Readonly<Record<Label, string>>, by?: number): void
  remove(labels: Readonly<Record<Label, string>>): void
  /** Totals that are counted elsewhere, each never less than before. These series and no others. */
  replaceAll(series: Iterable<readonly [Readonly<Record<Label, string>>, number]>): void
}

export interface GaugeMetric<Label extends string> {
  set(labels: Readonly<Record<Label, string>>, value: number): void
  remove(labels: Readonly<Record<Label, string>>): void
  /** These series and no others: what is not named is gone. */
  replaceAll(series: Iterable<readonly [Readonly<Record<Label, string>>, number]>): void
}

export interface HistogramMetric<Label extends string> {
  observe(labels: Readonly<Record<Label, string>>, value: number): void
  remove(labels: Readonly<Record<Label, string>>): void
}

type MetricOf<F> =
  F extends Family<'counter', infer Label>
    ? CounterMetric<Label>
    : F extends Family<'gauge', infer Label>
      ? GaugeMetric<Label>
      : F extends Family<'histogram', infer Label>
        ? HistogramMetric<Label>
        : never

export type Metrics = { readonly [Key in keyof typeof catalogue]: MetricOf<(typeof catalogue)[Key]> } & {
  readonly exposition: Exposition
}

/** What the metrics address serves. */
export interface Exposition {
  readonly contentType: string
  /** Prometheus text format. `beforeScrape` callbacks have run. */
  text(): Promise<string>
  /** Called before each scrape: for values that are looked up rather than kept. */
  beforeScrape(refresh: () => void): void
}

/** One registry of its own per call; what is written to families of other programs goes nowhere. */
export function openMetrics(program: Program, version: string): Metrics {
  const registry = new Registry()
  const refreshers: (() => void)[] = []
  const made: Record<string, unknown> = {}
  for (const [key, family] of Object.entries<Family<Kind, string>>(catalogue)) {
    made[key] = family.programs.includes(program) ? openFamily(family, registry) : nowhere
  }
  const exposition: Exposition = {
    contentType: registry.contentType,
    text: () => {
      for (const refresh of refreshers) refresh()
      return registry.metrics()
    },
    beforeScrape: (refresh) => void refreshers.push(refresh),
  }
  const metrics = { ...made, exposition } as unknown as Metrics
  metrics.buildInfo.set({ program, version }, 1)
  observeProcess(metrics)
  return metrics
}

// prom-client's own nodejs_eventloop_lag_seconds measures one timer at scrape time and misleads; mean and p99 of the
// kernel-clocked histogram do not. What it records is the time between two ticks, so the tick itself is taken off.
function observeProcess(metrics: Metrics): void {
  // Each is a wake-up of the process.
  const tickMs = 50
  const delay = monitorEventLoopDelay({ resolution: tickMs })
  delay.enable()
  metrics.startTime.set({}, Math.round(Date.now() / 1000 - process.uptime()))
  metrics.exposition.beforeScrape(() => {
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - tickMs / 1e3) || 0
    metrics.eventLoopDelayMean.set({}, seconds(delay.mean))
    metrics.eventLoopDelayP99.set({}, seconds(delay.percentile(99)))
    delay.reset()
    metrics.residentMemory.set({}, process.memoryUsage.rss())
    const { user, system } = process.cpuUsage()
    metrics.cpu.replaceAll([[{}, (user + system) / 1e6]])
  })
}

type AnyMetric = CounterMetric<string> | GaugeMetric<string> | HistogramMetric<string>

const ignore = (): void => {}
const nowhere = { add: ignore, set: ignore, observe: ignore, remove: ignore, replaceAll: ignore }

function openFamily(family: Family<Kind, string>, registry: prometheus.Registry): AnyMetric {
  const options = {
    name: prefix + family.name,
    help: family.help,
    labelNames: [...family.labels],
    registers: [registry],
  }
  if (family.kind === 'counter') {
    const counter = new Counter(options)
    return {
      add: (labels, by = 1) => counter.inc(labels, by),
      remove: (labels) => counter.remove(labels),
      replaceAll: (series) => {
        counter.reset()
        for (const [labels, total] of series) counter.inc(labels, total)
      },
    }
  }
  if (family.kind === 'histogram') {
    const histogram = new Histogram({ ...options, buckets: [...(family.buckets ?? [])] })
    return {
      observe: (labels, value) => histogram.observe(labels, value),
      remove: (labels) => histogram.remove(labels),
    }
  }
  const gauge = new Gauge(options)
  return {
    set: (labels, value) => gauge.set(labels, value),
    remove: (labels) => gauge.remove(labels),
    replaceAll: (series) => {
      gauge.reset()
      for (const [labels, value] of series) gauge.set(labels, value)
    },
  }
}
