// docs/reference/metrics.md from the catalogue in src/io/telemetry/catalogue.ts.
import { generatedNote, lines, tableOf } from '../src/core/api/markdown.ts'
import { type Family, type Kind, catalogue, prefix } from '../src/io/telemetry/catalogue.ts'

const families: readonly Family<Kind, string>[] = Object.values(catalogue)

/** OpenELB's name, what stands for it here, and what is different. Checked against the catalogue. */
export const openElbNames: readonly (readonly [theirs: string, ours: string, note: string])[] = [
  ['`addresses_total{eipName}`', 'bellhop_pool_addresses{state="total"}', 'label `eip`, and `family`'],
  [
    '`addresses_in_use_total{eipName}`',
    'bellhop_pool_addresses{state="used"}',
    'OpenELB 0.6 has the name and never writes it',
  ],
  [
    '`services_allocated_total{eipName}`',
    'bellhop_pool_addresses{state="used"}',
    'a shared address counts once; `bellhop_watched_objects{resource="services"}` counts Services',
  ],
  ['`session_up{peerIP,nodeName}`', 'bellhop_bgp_session_up', '1 or 0; OpenELB: the number of the state, 5 when up'],
  [
    '`session_up{peerIP,nodeName}`, by state',
    'bellhop_bgp_session_state',
    'the name of the state is a label; `peer` is the name of the BgpPeer, the node is a label of the target',
  ],
  ['`updates_total{peerIP,nodeName}`', 'bellhop_bgp_updates_total{direction="received"}', 'a counter; also those sent'],
  [
    '`announced_prefixes_total{peerIP,nodeName}`',
    'bellhop_bgp_prefixes_sent',
    'what the router has now; OpenELB counts calls',
  ],
  [
    '`pending_prefixes_total{peerIP,nodeName}`',
    'bellhop_bgp_prefixes_wanted - bellhop_bgp_prefixes_sent',
    'what the router lacks now; OpenELB counts calls',
  ],
  ['`requests_received{ip}`, `responses_sent{ip}`, `gratuitous_sent{ip}`', '', 'layer 2: not announced yet'],
]

/** The page, ending in a newline. */
export function metricsPage(): string {
  return lines([
    generatedNote,
    '',
    '# Metrics',
    '',
    'Every program serves `/metrics` in the text format of Prometheus, beside `/healthz` and `/readyz`, on the address of its Pod (webhook 9080, controller 9081) or of its node (speaker 9082). What to do with them stands in [monitoring](../operations/monitoring.md).',
    '',
    'Units are seconds and bytes; a name that ends in `_timestamp_seconds` is a Unix time. No label has a value per Service, so the series stay few however many Services there are, and those of an object that is gone are gone as well. A histogram has `_bucket`, `_sum` and `_count`. What only the leader knows is served by the leader alone: `sum` and `max` over the replicas of the controller are right.',
    '',
    ...section('Every program', (programs) => programs.length > 2),
    ...section('Webhook', (programs) => programs[0] === 'webhook' && programs.length < 3),
    ...section('Controller', (programs) => programs[0] === 'controller'),
    ...section('Speaker', (programs) => programs[0] === 'speaker'),
    '## Queries',
    '',
    ...tableOf(
      ['Metric', 'PromQL'],
      families.flatMap(({ name, query }) => (query === undefined ? [] : [[`\`${prefix}${name}\``, `\`${query}\``]])),
    ),
    '',
    '## From OpenELB',
    '',
    "OpenELB's names have no prefix. Its dashboards and rules are brought over by this table.",
    '',
    ...tableOf(
      ['OpenELB', 'Bellhop', ''],
      openElbNames.map(([theirs, ours, note]) => [theirs, ours === '' ? '–' : `\`${ours}\``, note]),
    ),
  ])
}

function section(title: string, isHere: (programs: readonly string[]) => boolean): readonly string[] {
  const rows = families
    .filter(({ programs }) => isHere(programs))
    .map(({ name, kind, labels, help, programs }) => [
      `\`${prefix}${name}\``,
      kind,
      unitOf(name),
      labels.map((label) => `\`${label}\``).join(', '),
      programs.length === 2 ? `${linked(help)} Also in the ${programs[1]}.` : linked(help),
    ])
  return [`## ${title}`, '', ...tableOf(['Name', 'Type', 'Unit', 'Labels', 'Meaning'], rows), '']
}

// As served, a help text names the file.
function linked(help: string): string {
  return help.replace('docs/reference/reasons.md', '[reasons](reasons.md)')
}

function unitOf(name: string): string {
  const bare = name.replace(/_total$/, '')
  if (bare.endsWith('_timestamp_seconds') || bare.endsWith('start_time_seconds')) return 'Unix time'
  if (bare.endsWith('_seconds')) return 'seconds'
  return bare.endsWith('_bytes') ? 'bytes' : ''
}
