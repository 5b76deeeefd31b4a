// The one catalogue of every metric. Prefix `bellhop_`, base units (seconds, bytes), no label that grows with Services.
// A program serves only the families that name it in `programs`; docs and alerts are checked against this table.
// To add one: a line here, then `metrics.<key>.add/set/observe` where it happens. Series of gone objects are removed
// with `remove`, or written afresh with `replaceAll`.
import { createRequire } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type * as prometheus from 'prom-client'

// The package's index would load its push gateway, its support of node:cluster and its metrics of V8 too: 8 MB in every
// program, for nothing that is used here.
const require = createRequire(import.meta.url)
const Registry = require('prom-client/lib/registry.js') as typeof prometheus.Registry
const Counter = require('prom-client/lib/counter.js') as typeof prometheus.Counter
const Gauge = require('prom-client/lib/gauge.js') as typeof prometheus.Gauge
const Histogram = require('prom-client/lib/histogram.js') as typeof prometheus.Histogram

export type Program = 'webhook' | 'controller' | 'speaker'

interface Family<Kind extends 'counter' | 'gauge' | 'histogram', Label extends string> {
  readonly kind: Kind
  /** Without the prefix. */
  readonly name: string
  readonly help: string
  readonly labels: readonly Label[]
  readonly programs: readonly Program[]
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[]
}

const every: readonly Program[] = ['webhook', 'controller', 'speaker']

export const catalogue = {
  buildInfo: gauge('build_info', 'Always 1; the version is in the label.', ['version'], every),
  eventLoopDelayMean: gauge(
    'event_loop_delay_mean_seconds',
    'Mean delay of the event loop since the last scrape.',
    [],
    every,
  ),
  eventLoopDelayP99: gauge(
    'event_loop_delay_p99_seconds',
    '99th percentile of the delay of the event loop since the last scrape.',
    [],
    every,
  ),
  residentMemory: gauge('process_resident_memory_bytes', 'Resident memory of the process.', [], every),
  cpu: gauge('process_cpu_seconds_total', 'User and system CPU time of the process.', [], every),
  watchCurrentUpTo: gauge(
    'watch_current_up_to_timestamp_seconds',
    'Time up to which the view of a resource is known to be current.',
    ['resource'],
    every,
  ),
  watchedObjects: gauge('watched_objects', 'Objects of a resource in the store.', ['resource'], every),

  admissionDecisions: counter(
    'admission_decisions_total',
    'Admission reviews answered, by path, decision and reason.',
    ['path', 'decision', 'reason'],
    ['webhook'],
  ),
  admissionDuration: histogram(
    'admission_duration_seconds',
    'Time from the request to the answer of an admission review.',
    ['path'],
    ['webhook'],
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  ),
  claimAttempts: counter(
    'claim_attempts_total',
    'Attempts to create an EipAllocation, by outcome: created, taken, failed.',
    ['outcome'],
    ['webhook'],
  ),
  certificateExpiry: gauge(
    'certificate_expiry_timestamp_seconds',
    'End of validity of a certificate: serving or ca.',
    ['certificate'],
    ['webhook'],
  ),

  bgpSessionUp: gauge('bgp_session_up', '1 when the session with the peer is established.', ['peer'], ['speaker']),
  bgpSessionFlaps: gauge(
    'bgp_session_flaps',
    'Times the session with the peer has gone down since the start.',
    ['peer'],
    ['speaker'],
  ),
  bgpPrefixesWanted: gauge('bgp_prefixes_wanted', 'Prefixes the peer should have.', ['peer'], ['speaker']),
  bgpPrefixesSent: gauge('bgp_prefixes_sent', 'Prefixes the peer has been sent.', ['peer'], ['speaker']),
  announcedAddresses: gauge(
    'announced_addresses',
    'Addresses this speaker announces to at least one peer.',
    [],
    ['speaker'],
  ),
  unannouncedAddresses: gauge(
    'unannounced_addresses',
    'Addresses this speaker does not announce, by reason.',
    ['reason'],
    ['speaker'],
  ),
  hostRoutes: gauge('host_routes', 'Host routes, by state: wanted, present.', ['state'], ['speaker']),
  hostRouteRepairs: gauge(
    'host_route_repairs_total',
    'Host routes and rules that others removed and that were put back.',
    [],
    ['speaker'],
  ),
  leaseRenewals: counter(
    'lease_renewals_total',
    "Renewals of the speaker's Lease, by outcome: done, failed.",
    ['outcome'],
    ['speaker'],
  ),
  statusWrites: counter(
    'speaker_status_writes_total',
    'Writes of the Speaker object, by outcome: done, failed.',
    ['outcome'],
    ['speaker'],
  ),

  leading: gauge('leading', '1 while this replica leads.', [], ['controller']),
  queueDepth: gauge('queue_depth', 'Keys that wait for a worker, by duty.', ['duty'], ['controller']),
  poolAddresses: gauge(
    'pool_addresses',
    'Addresses of an Eip, by state: total, used, free. At most 2^53 - 1.',
    ['eip', 'state'],
    ['controller'],
  ),
  allocationsKnown: gauge('allocations', 'EipAllocations, by state: all, released.', ['state'], ['controller']),
  servicesWaiting: gauge('services_waiting', 'Services that wait for an address.', [], ['controller']),
  serviceWrites: counter(
    'service_writes_total',
    'Writes of Services and EipAllocations, by kind of write and outcome: done, failed.',
    ['write', 'outcome'],
    ['controller'],
  ),
  eventsDropped: gauge('events_dropped', 'Events that were not sent, since the start.', [], ['controller']),
} as const

export interface CounterMetric<Label extends string> {
  add(labels: Readonly<Record<Label, string>>, by?: number): void
  remove(labels: Readonly<Record<Label, string>>): void
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

/** One registry of its own per call; families of other programs can be written but are not served. */
export function openMetrics(program: Program, version: string): Metrics {
  const registry = new Registry()
  const refreshers: (() => void)[] = []
  const made: Record<string, unknown> = {}
  for (const [key, family] of Object.entries<Family<'counter' | 'gauge' | 'histogram', string>>(catalogue)) {
    made[key] = openFamily(family, family.programs.includes(program) ? [registry] : [])
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
  metrics.buildInfo.set({ version }, 1)
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
  metrics.exposition.beforeScrape(() => {
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - tickMs / 1e3) || 0
    metrics.eventLoopDelayMean.set({}, seconds(delay.mean))
    metrics.eventLoopDelayP99.set({}, seconds(delay.percentile(99)))
    delay.reset()
    metrics.residentMemory.set({}, process.memoryUsage.rss())
    const { user, system } = process.cpuUsage()
    metrics.cpu.set({}, (user + system) / 1e6)
  })
}

function openFamily(
  family: Family<'counter' | 'gauge' | 'histogram', string>,
  registers: prometheus.Registry[],
): CounterMetric<string> | GaugeMetric<string> | HistogramMetric<string> {
  const options = { name: `bellhop_${family.name}`, help: family.help, labelNames: [...family.labels], registers }
  if (family.kind === 'counter') {
    const counter = new Counter(options)
    return { add: (labels, by = 1) => counter.inc(labels, by), remove: (labels) => counter.remove(labels) }
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

function counter<const Label extends string>(
  name: string,
  help: string,
  labels: readonly Label[],
  programs: readonly Program[],
): Family<'counter', Label> {
  return { kind: 'counter', name, help, labels, programs }
}

function gauge<const Label extends string>(
  name: string,
  help: string,
  labels: readonly Label[],
  programs: readonly Program[],
): Family<'gauge', Label> {
  return { kind: 'gauge', name, help, labels, programs }
}

function histogram<const Label extends string>(
  name: string,
  help: string,
  labels: readonly Label[],
  programs: readonly Program[],
  buckets: readonly number[],
): Family<'histogram', Label> {
  return { kind: 'histogram', name, help, labels, programs, buckets }
}
