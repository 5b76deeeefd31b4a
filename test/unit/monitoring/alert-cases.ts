// When the alerts about addresses, sessions, racks and nodes are quiet and when they fire.
import { type AlertCase, at, speakerOfN1 } from './alert-case.ts'
import { programCases } from './program-cases.ts'

const pool = (state: string, family = 'IPv4'): string =>
  `bellhop_pool_addresses{eip="web",family="${family}",state="${state}",instance="a"}`
const rack = (name: string, state: string, of = 'leaf1'): string =>
  `bellhop_rack_${name}{rack="${of}",state="${state}",instance="a"}`
const peers = 'bellhop_watched_objects{resource="bgppeers",instance="a"}'

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
      labels: { ...speakerOfN1, peer: 'leaf1' },
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
      labels: { ...speakerOfN1, peer: 'leaf1' },
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
    fires: {
      at: '6m',
      labels: { ...speakerOfN1, peer: 'leaf1' },
      summary: 'leaf1 has not been sent 2 prefixes by node n1.',
    },
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
    fires: { at: '6m', labels: speakerOfN1, summary: 'Node n1 lacks 3 host routes.' },
  },
  {
    alert: 'BellhopHostRoutesRepaired',
    series: { [at('bellhop_host_route_repairs_total', '')]: '0x5 2x40' },
    quiet: ['5m', '30m'],
    fires: { at: '8m', labels: speakerOfN1, summary: 'Something on node n1 removes host routes of Bellhop.' },
  },
  {
    alert: 'BellhopHostRouteForeign',
    series: { [at('bellhop_host_routes', 'state="foreign"')]: '0x2 2x10' },
    quiet: ['7m'],
    fires: {
      at: '9m',
      labels: { ...speakerOfN1, state: 'foreign' },
      summary: "On node n1 2 addresses of the pool have somebody else's route.",
    },
  },
  ...programCases,
]
