// The one catalogue of every metric. Prefix `bellhop_`, base units (seconds, bytes), no label that grows with Services.
// docs/reference/metrics.md is generated from it; the rules and the dashboard of manifests/monitoring are checked
// against it. To add one: a line here, then `metrics.KEY.add/set/observe` where it happens.

export type Program = 'webhook' | 'controller' | 'speaker'
export type Kind = 'counter' | 'gauge' | 'histogram'

export interface Family<K extends Kind, Label extends string> {
  readonly kind: K
  /** Without the prefix; ends in its unit, and a counter's in `_total`. */
  readonly name: string
  /** One sentence or two; names the values of labels that are a small set. */
  readonly help: string
  readonly labels: readonly Label[]
  /** Those that serve it. */
  readonly programs: readonly Program[]
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[]
  /** PromQL in which it is of use. */
  readonly query?: string
}

export const prefix = 'bellhop_'

const webhook: readonly Program[] = ['webhook']
const controller: readonly Program[] = ['controller']
const speaker: readonly Program[] = ['speaker']
const every: readonly Program[] = ['webhook', 'controller', 'speaker']

// Few: each is a series, of every replica and every path or duty.
const workBuckets = [0.01, 0.1, 1, 10, 60]

export const catalogue = {
  buildInfo: gauge('build_info', 'Always 1; the version is in the label.', ['program', 'version'], every, {
    query: 'count by (program, version) (bellhop_build_info)',
  }),
  ready: gauge('ready', '1 when /readyz answers 200.', ['program'], every),
  startTime: gauge('process_start_time_seconds', 'Unix time at which the process was started.', [], every),
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
  cpu: counter('process_cpu_seconds_total', 'User and system CPU time of the process.', [], every, {
    query: 'rate(bellhop_process_cpu_seconds_total[5m])',
  }),
  watchCurrentUpTo: gauge(
    'watch_current_up_to_timestamp_seconds',
    'Unix time up to which the view of a resource is known to be current. Moves once a minute when nothing changes, and stands still while the API server is away.',
    ['resource'],
    every,
    { query: 'time() - bellhop_watch_current_up_to_timestamp_seconds' },
  ),
  watchedObjects: gauge('watched_objects', 'Objects of a resource in the store.', ['resource'], every),

  admissionDecisions: counter(
    'admission_decisions_total',
    'Admission reviews answered. Decision: changed, unchanged, warned, refused, malformed; reason: of docs/reference/reasons.md, empty where none is needed.',
    ['path', 'decision', 'reason'],
    webhook,
    { query: 'sum by (decision, reason) (rate(bellhop_admission_decisions_total{path="/mutate-service"}[5m]))' },
  ),
  admissionDuration: histogram(
    'admission_duration_seconds',
    'Time from the request to the answer of an admission review.',
    ['path'],
    webhook,
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    'histogram_quantile(0.99, sum by (le, path) (rate(bellhop_admission_duration_seconds_bucket[5m])))',
  ),
  claimAttempts: counter(
    'claim_attempts_total',
    'Attempts to create an EipAllocation. Outcome: created, taken, failed.',
    ['outcome'],
    ['webhook', 'controller'],
  ),
  certificateExpiry: gauge(
    'certificate_expiry_timestamp_seconds',
    'Unix time at which a certificate ends. Certificate: serving, ca.',
    ['certificate'],
    webhook,
    { query: '(bellhop_certificate_expiry_timestamp_seconds - time()) / 86400' },
  ),

  bgpSessionUp: gauge(
    'bgp_session_up',
    '1 when the session with the peer is established, 0 when not; none for a peer that is administratively down.',
    ['peer'],
    speaker,
    { query: 'bellhop_bgp_session_up == 0' },
  ),
  bgpSessionState: gauge(
    'bgp_session_state',
    'Always 1; the label has the state of the session now: IDLE, CONNECT, ACTIVE, OPENSENT, OPENCONFIRM, ESTABLISHED.',
    ['peer', 'state'],
    speaker,
    { query: 'count by (peer, state) (bellhop_bgp_session_state)' },
  ),
  bgpSessionFlaps: counter(
    'bgp_session_flaps_total',
    'Times the session with the peer has left ESTABLISHED.',
    ['peer'],
    speaker,
    { query: 'increase(bellhop_bgp_session_flaps_total[15m])' },
  ),
  bgpNotifications: counter(
    'bgp_notifications_total',
    'NOTIFICATIONs (RFC 4271 §4.5). Direction: sent, received; code: registered name of code and subcode, as in Cease/Administrative Reset, or unregistered.',
    ['peer', 'direction', 'code'],
    speaker,
    { query: 'sum by (peer, direction, code) (increase(bellhop_bgp_notifications_total[1h])) > 0' },
  ),
  bgpUpdates: counter('bgp_updates_total', 'UPDATEs. Direction: sent, received.', ['peer', 'direction'], speaker),
  bgpPrefixesWanted: gauge('bgp_prefixes_wanted', 'Prefixes the peer should have.', ['peer'], speaker),
  bgpPrefixesSent: gauge('bgp_prefixes_sent', 'Prefixes the peer has been sent.', ['peer'], speaker, {
    query: 'bellhop_bgp_prefixes_wanted - bellhop_bgp_prefixes_sent',
  }),
  announcedAddresses: gauge(
    'announced_addresses',
    'Addresses this speaker announces to at least one peer.',
    [],
    speaker,
  ),
  unannouncedAddresses: gauge(
    'unannounced_addresses',
    'Addresses this speaker does not announce, by reason (docs/reference/reasons.md).',
    ['reason'],
    speaker,
  ),
  hostRoutes: gauge(
    'host_routes',
    "Host routes. State: wanted, present, foreign (somebody else's route stands in the place of ours).",
    ['state'],
    speaker,
    { query: 'bellhop_host_routes{state="wanted"} - ignoring (state) bellhop_host_routes{state="present"}' },
  ),
  hostRouteRepairs: counter(
    'host_route_repairs_total',
    'Host routes and rules that others removed and that were put back.',
    [],
    speaker,
    { query: 'increase(bellhop_host_route_repairs_total[15m]) > 0' },
  ),
  leaseRenewals: counter(
    'lease_renewals_total',
    "Renewals of the speaker's Lease. Outcome: done, failed.",
    ['outcome'],
    speaker,
  ),
  statusWrites: counter(
    'speaker_status_writes_total',
    'Writes of the Speaker object. Outcome: done, failed.',
    ['outcome'],
    speaker,
  ),

  leading: gauge('leading', '1 while this replica leads.', [], controller, { query: 'sum(bellhop_leading)' }),
  queueDepth: gauge('queue_depth', 'Keys that wait for a worker, by duty.', ['duty'], controller),
  queueWait: histogram(
    'queue_wait_seconds',
    'Time a key waited for a worker, by duty.',
    ['duty'],
    controller,
    workBuckets,
  ),
  queueWork: histogram(
    'queue_work_seconds',
    'Time a worker needed for a key, by duty.',
    ['duty'],
    controller,
    workBuckets,
  ),
  poolAddresses: gauge(
    'pool_addresses',
    'Addresses of an Eip. Family: IPv4, IPv6; state: total, used, free. At most 2^53 - 1. Served by the leader.',
    ['eip', 'family', 'state'],
    controller,
    {
      query: 'bellhop_pool_addresses{state="used"} / ignoring (state) (bellhop_pool_addresses{state="total"} > 0)',
    },
  ),
  allocationsKnown: gauge('allocations', 'EipAllocations. State: all, released.', ['state'], controller),
  servicesWaiting: gauge(
    'services_waiting',
    'Services that wait for an address, by reason (docs/reference/reasons.md). Served by the leader.',
    ['reason'],
    controller,
  ),
  servicesUnadvertised: gauge(
    'services_unadvertised',
    'Services with an address that no router has, by reason (docs/reference/reasons.md). Served by the leader.',
    ['reason'],
    controller,
    { query: 'bellhop_services_unadvertised{reason!="NoReadyEndpoint"}' },
  ),
  timeToAddress: histogram(
    'time_to_address_seconds',
    'Time from the creation of a Service, as the leader sees it, until its status has the address. Services that had to wait for a pool are left out.',
    [],
    controller,
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    'histogram_quantile(0.99, sum by (le) (rate(bellhop_time_to_address_seconds_bucket[15m])))',
  ),
  timeToAdvertised: histogram(
    'time_to_advertised_seconds',
    'Time from the creation of a Service, as the leader sees it, until it knows that a router has the way: the word of the speakers comes a second or two after the route. Services that had to wait for a pool or for an endpoint are left out.',
    [],
    controller,
    [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    'histogram_quantile(0.99, sum by (le) (rate(bellhop_time_to_advertised_seconds_bucket[15m])))',
  ),
  rackSpeakers: gauge(
    'rack_speakers',
    'Speakers of a rack. State: speaking (has a session), idle (has none), silent (its Lease has run out). Served by the leader.',
    ['rack', 'state'],
    controller,
    { query: 'bellhop_rack_speakers{state="speaking"}' },
  ),
  rackNodes: gauge(
    'rack_nodes',
    'Nodes of a rack. State: usable, or the reason why not (docs/reference/reasons.md). Served by the leader.',
    ['rack', 'state'],
    controller,
    { query: 'sum by (state) (bellhop_rack_nodes)' },
  ),
  speakerSilent: gauge(
    'speaker_silent',
    '1 for each node whose speaker does not renew its Lease; none for the others. Served by the leader.',
    ['node'],
    controller,
  ),
  serviceWrites: counter(
    'service_writes_total',
    'Writes of Services and EipAllocations, by kind of write. Outcome: done, failed.',
    ['write', 'outcome'],
    controller,
  ),
  eventsDropped: counter('events_dropped_total', 'Events that were not sent.', [], ['controller', 'speaker']),
} as const

interface Extras {
  readonly query?: string
}

function counter<const Label extends string>(
  name: string,
  help: string,
  labels: readonly Label[],
  programs: readonly Program[],
  extras: Extras = {},
): Family<'counter', Label> {
  return { kind: 'counter', name, help, labels, programs, ...extras }
}

function gauge<const Label extends string>(
  name: string,
  help: string,
  labels: readonly Label[],
  programs: readonly Program[],
  extras: Extras = {},
): Family<'gauge', Label> {
  return { kind: 'gauge', name, help, labels, programs, ...extras }
}

function histogram<const Label extends string>(
  name: string,
  help: string,
  labels: readonly Label[],
  programs: readonly Program[],
  buckets: readonly number[],
  query?: string,
): Family<'histogram', Label> {
  return { kind: 'histogram', name, help, labels, programs, buckets, ...(query === undefined ? {} : { query }) }
}
