// When each alert is quiet and when it fires, in promtool's notation: a series has a sample a minute, `1x5` is the value
// six times, `0+2x5` goes up by two.

export interface AlertCase {
  readonly alert: string
  readonly series: Readonly<Record<string, string>>
  /** Times at which it does not fire: before, after, or ever. */
  readonly quiet: readonly string[]
  readonly fires?: {
    readonly at: string
    /** Beside alertname and severity. */
    readonly labels: Readonly<Record<string, string>>
    readonly summary: string
  }
}

const pool = (state: string, family = 'IPv4'): string =>
  `bellhop_pool_addresses{eip="web",family="${family}",state="${state}",instance="a"}`
const leaf1 = { job: 'bellhop-speaker', node: 'n1', instance: 'n1:9082' }
const at = (name: string, labels: string, node = 'n1'): string =>
  `${name}{job="bellhop-speaker",node="${node}",instance="${node}:9082"${labels === '' ? '' : `,${labels}`}}`
const controller = { job: 'bellhop-controller', node: 'n2', instance: '10.0.0.2:9081' }
const rack = (name: string, state: string, of = 'leaf1'): string =>
  `bellhop_rack_${name}{rack="${of}",state="${state}",instance="a"}`
const peers = 'bellhop_watched_objects{resource="bgppeers",instance="a"}'
const claims = 'bellhop_claim_attempts_total{job="bellhop-webhook",outcome="failed",instance="w"}'
const expiry = (which: string): string =>
  `bellhop_certificate_expiry_timestamp_seconds{certificate="${which}",instance="w"}`
const day = 86_400

export const alertCases: readonly AlertCase[] = [
  {
    alert: 'BellhopPoolExhausted',
    series: { [pool('free')]: '2 2 0x10 1x10', [pool('total')]: '8x30' },
    quiet: ['1m', '6m', '14m'],
    fires: { at: '8m', labels: { eip: 'web', family: 'IPv4' }, summary: 'Eip web has no free IPv4 address.' },
  },
  // A pool for one Service is full when it does what it is for.
  { alert: 'BellhopPoolExhausted', series: { [pool('free')]: '0x20', [pool('total')]: '1x20' }, quiet: ['19m'] },
  {
    alert: 'BellhopPoolFilling',
    series: { [pool('free', 'IPv6')]: '5x120', [pool('used', 'IPv6')]: '95x120', [pool('total', 'IPv6')]: '100x120' },
    quiet: ['50m'],
    fires: {
      at: '70m',
      labels: { eip: 'web', family: 'IPv6' },
      summary: 'Eip web is running out of IPv6 addresses: 5 are free.',
    },
  },
  // Eleven a day, 45 in four days; 30 are left.
  {
    alert: 'BellhopPoolFilling',
    series: { [pool('free')]: '30-0.0078125x150', [pool('used')]: '70+0.0078125x150', [pool('total')]: '100x150' },
    quiet: ['50m'],
    fires: {
      at: '128m',
      labels: { eip: 'web', family: 'IPv4' },
      summary: 'Eip web is running out of IPv4 addresses: 29 are free.',
    },
  },
  // Half empty: whatever the pace.
  {
    alert: 'BellhopPoolFilling',
    series: { [pool('free')]: '90-0.05x150', [pool('used')]: '10+0.05x150', [pool('total')]: '100x150' },
    quiet: ['140m'],
  },
  {
    alert: 'BellhopServicesWaiting',
    series: { 'bellhop_services_waiting{reason="PoolFull",instance="a"}': '2x12 _x5' },
    quiet: ['9m', '18m'],
    fires: { at: '11m', labels: { reason: 'PoolFull' }, summary: '2 Services have no address: PoolFull.' },
  },
  {
    alert: 'BellhopServicesUnadvertised',
    series: {
      'bellhop_services_unadvertised{reason="NoSession",instance="a"}': '3x10',
      'bellhop_services_unadvertised{reason="NoReadyEndpoint",instance="a"}': '7x10',
    },
    quiet: ['1m'],
    fires: { at: '3m', labels: { reason: 'NoSession' }, summary: 'No router has the way to 3 Services: NoSession.' },
  },
  {
    alert: 'BellhopSessionDown',
    series: { [at('bellhop_bgp_session_up', 'peer="leaf1"')]: '1 0x10 1x5' },
    quiet: ['2m', '13m'],
    fires: {
      at: '4m',
      labels: { ...leaf1, peer: 'leaf1' },
      summary: 'The BGP session of node n1 with leaf1 is down.',
    },
  },
  {
    alert: 'BellhopPeerDown',
    series: {
      [at('bellhop_bgp_session_up', 'peer="leaf1"')]: '0x20',
      [at('bellhop_bgp_session_up', 'peer="leaf1"', 'n2')]: '1x5 0x15',
    },
    quiet: ['5m', '7m'],
    fires: { at: '9m', labels: { peer: 'leaf1' }, summary: 'No node has a BGP session with leaf1.' },
  },
  {
    alert: 'BellhopSessionFlapping',
    series: { [at('bellhop_bgp_session_flaps_total', 'peer="leaf1"')]: '1x5 2 3 4 5x40' },
    quiet: ['5m', '40m'],
    fires: {
      at: '12m',
      labels: { ...leaf1, peer: 'leaf1' },
      summary: 'The BGP session of node n1 with leaf1 goes up and down.',
    },
  },
  {
    alert: 'BellhopPrefixesNotSent',
    series: {
      [at('bellhop_bgp_prefixes_wanted', 'peer="leaf1"')]: '10x20',
      [at('bellhop_bgp_prefixes_sent', 'peer="leaf1"')]: '8x10 10x10',
      [at('bellhop_bgp_session_up', 'peer="leaf1"')]: '1x20',
    },
    quiet: ['4m', '12m'],
    fires: { at: '6m', labels: { ...leaf1, peer: 'leaf1' }, summary: 'leaf1 has not been sent 2 prefixes by node n1.' },
  },
  {
    alert: 'BellhopRackWithoutSpeaker',
    series: {
      [rack('speakers', 'speaking')]: '1x3 0x10 1x10',
      [rack('speakers', 'silent')]: '0x3 1x10 0x10',
      [rack('nodes', 'usable')]: '2x30',
      [peers]: '2x30',
    },
    quiet: ['5m', '16m'],
    fires: { at: '7m', labels: { rack: 'leaf1' }, summary: 'Nobody announces the nodes of rack leaf1.' },
  },
  // Nodes in no rack and without speakers are not meant to be announced; without a peer nothing is.
  {
    alert: 'BellhopRackWithoutSpeaker',
    series: {
      [rack('speakers', 'speaking', 'none')]: '0x20',
      [rack('nodes', 'usable', 'none')]: '5x20',
      [peers]: '2x20',
    },
    quiet: ['15m'],
  },
  {
    alert: 'BellhopRackWithoutSpeaker',
    series: { [rack('speakers', 'speaking')]: '0x20', [rack('nodes', 'usable')]: '5x20', [peers]: '0x20' },
    quiet: ['15m'],
  },
  {
    alert: 'BellhopRackOneSpeaker',
    series: { [rack('speakers', 'speaking')]: '2x3 1x10', [rack('speakers', 'idle')]: '0x3 1x10' },
    quiet: ['8m'],
    fires: {
      at: '10m',
      labels: { rack: 'leaf1' },
      summary: 'Of the speakers of rack leaf1 only one has a BGP session.',
    },
  },
  {
    alert: 'BellhopRackOneSpeaker',
    series: { [rack('speakers', 'speaking')]: '1x20', [rack('speakers', 'idle')]: '0x20' },
    quiet: ['15m'],
  },
  {
    alert: 'BellhopRackNotRedundant',
    series: {
      [rack('speakers', 'speaking')]: '1x90',
      [rack('nodes', 'usable')]: '2x90',
      [rack('speakers', 'speaking', 'leaf2')]: '1x90',
      [rack('nodes', 'usable', 'leaf2')]: '1x90',
    },
    quiet: ['50m'],
    fires: { at: '70m', labels: { rack: 'leaf1' }, summary: 'Rack leaf1 has several nodes and one speaker.' },
  },
  {
    alert: 'BellhopSpeakerSilent',
    series: { 'bellhop_speaker_silent{node="n3",instance="a"}': '_x2 1x5 stale' },
    quiet: ['2m', '9m'],
    fires: { at: '5m', labels: { node: 'n3' }, summary: 'The speaker of node n3 is silent.' },
  },
  {
    alert: 'BellhopHostRoutesMissing',
    series: {
      [at('bellhop_host_routes', 'state="wanted"')]: '5x20',
      [at('bellhop_host_routes', 'state="present"')]: '5x2 2x5 5x10',
    },
    quiet: ['4m', '9m'],
    fires: { at: '6m', labels: leaf1, summary: 'Node n1 lacks 3 host routes.' },
  },
  {
    alert: 'BellhopHostRoutesRepaired',
    series: { [at('bellhop_host_route_repairs_total', '')]: '0x5 2x40' },
    quiet: ['5m', '30m'],
    fires: { at: '8m', labels: leaf1, summary: 'Something on node n1 removes host routes of Bellhop.' },
  },
  {
    alert: 'BellhopHostRouteForeign',
    series: { [at('bellhop_host_routes', 'state="foreign"')]: '0x2 2x10' },
    quiet: ['7m'],
    fires: {
      at: '9m',
      labels: { ...leaf1, state: 'foreign' },
      summary: "On node n1 2 addresses of the pool have somebody else's route.",
    },
  },
  {
    alert: 'BellhopNoLeader',
    series: { 'bellhop_leading{instance="a"}': '1x5 0x20', 'bellhop_leading{instance="b"}': '0x5 0 0 0 0 1x10' },
    quiet: ['6m', '10m'],
    fires: { at: '8m', labels: {}, summary: 'No controller leads.' },
  },
  // Nothing is scraped at all.
  {
    alert: 'BellhopNoLeader',
    series: { other: '1x10' },
    quiet: ['1m'],
    fires: { at: '3m', labels: {}, summary: 'No controller leads.' },
  },
  {
    alert: 'BellhopWebhookDown',
    series: {
      'bellhop_ready{program="webhook",instance="a"}': '1x5 0x5 1x5',
      'bellhop_ready{program="webhook",instance="b"}': '0x5 0x5 0x5',
      'bellhop_ready{program="controller",instance="c"}': '1x20',
    },
    quiet: ['7m', '13m'],
    fires: { at: '9m', labels: {}, summary: 'No replica of the webhook is ready.' },
  },
  {
    alert: 'BellhopWebhookBypassed',
    series: {
      'apiserver_admission_webhook_fail_open_count{name="create.services.bellhop.dev",type="mutating"}': '0x5 1 2 3x40',
      'apiserver_admission_webhook_fail_open_count{name="other.example.com",type="mutating"}': '0+1x40',
    },
    quiet: ['5m', '30m'],
    fires: {
      at: '8m',
      labels: { name: 'create.services.bellhop.dev' },
      summary: 'The API server went on without the answer of webhook create.services.bellhop.dev.',
    },
  },
  {
    alert: 'BellhopWebhookSlow',
    series: {
      'bellhop_admission_duration_seconds_bucket{path="/mutate-service",le="1",instance="a"}': '0x40',
      'bellhop_admission_duration_seconds_bucket{path="/mutate-service",le="2.5",instance="a"}': '0+60x40',
      'bellhop_admission_duration_seconds_bucket{path="/mutate-service",le="+Inf",instance="a"}': '0+60x40',
    },
    quiet: ['8m'],
    fires: {
      at: '15m',
      labels: { path: '/mutate-service' },
      summary: 'One in a hundred reviews at /mutate-service takes 2.485s.',
    },
  },
  {
    alert: 'BellhopClaimsFailing',
    series: { [claims]: '0x3 0+6x15 90x20' },
    quiet: ['3m', '35m'],
    fires: {
      at: '12m',
      labels: { job: 'bellhop-webhook' },
      summary: 'bellhop-webhook cannot write EipAllocations.',
    },
  },
  {
    alert: 'BellhopCertificateNotRenewed',
    series: { [expiry('serving')]: `${25 * day + 3600}x130 ${90 * day}x60`, [expiry('ca')]: `${3000 * day}x200` },
    quiet: ['59m', '110m', '140m'],
    fires: {
      at: '125m',
      labels: { certificate: 'serving' },
      summary: 'The serving certificate of the webhook ends in 24d 22h 55m 0s and has not been renewed.',
    },
  },
  {
    alert: 'BellhopCertificateExpiring',
    series: { [expiry('serving')]: `${90 * day}x60`, [expiry('ca')]: `${3 * day + 600}x60` },
    quiet: ['9m', '18m'],
    fires: {
      at: '30m',
      labels: { certificate: 'ca' },
      summary: 'The ca certificate of the webhook ends in 2d 23h 40m 0s.',
    },
  },
  {
    alert: 'BellhopWatchStale',
    series: {
      [at('bellhop_watch_current_up_to_timestamp_seconds', 'resource="services"')]: '0+60x5 300x40',
      [at('bellhop_watch_current_up_to_timestamp_seconds', 'resource="nodes"')]: '0+60x60',
    },
    quiet: ['9m', '14m'],
    fires: {
      at: '20m',
      labels: leaf1,
      summary: 'bellhop-speaker on n1 has not heard from the API server for 15m 0s.',
    },
  },
  {
    alert: 'BellhopNotReady',
    series: {
      'bellhop_ready{program="controller",job="bellhop-controller",node="n2",instance="10.0.0.2:9081"}': '0x20',
    },
    quiet: ['9m'],
    fires: {
      at: '11m',
      labels: { ...controller, program: 'controller' },
      summary: 'The controller on n2 is not ready.',
    },
  },
  {
    alert: 'BellhopRestarting',
    series: { [at('bellhop_process_start_time_seconds', '')]: '1x5 2x5 3x5 4x80' },
    quiet: ['10m', '90m'],
    fires: { at: '20m', labels: leaf1, summary: 'bellhop-speaker on n1 was restarted 3 times in an hour.' },
  },
  {
    alert: 'BellhopOverloaded',
    series: { [at('bellhop_event_loop_delay_p99_seconds', '')]: '0.7x20' },
    quiet: ['9m'],
    fires: { at: '11m', labels: leaf1, summary: 'bellhop-speaker on n1 is late by 700ms.' },
  },
  {
    alert: 'BellhopTargetDown',
    series: { [at('up', '')]: '0x20', 'up{job="other",instance="x"}': '0x20' },
    quiet: ['4m'],
    fires: { at: '6m', labels: leaf1, summary: 'bellhop-speaker on n1 cannot be scraped.' },
  },
  {
    alert: 'BellhopVersionSkew',
    series: {
      'bellhop_build_info{program="speaker",version="1.0.0",instance="a"}': '1x90',
      'bellhop_build_info{program="speaker",version="1.1.0",instance="b"}': '1x90',
    },
    quiet: ['50m'],
    fires: { at: '70m', labels: {}, summary: '2 versions of Bellhop run beside each other.' },
  },
]
