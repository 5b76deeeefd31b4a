// The reference page of annotations, labels and conditions: what stands where, who writes it, what it means.
import * as names from '../model/names.ts'
import { generatedNote, lines, tableOf } from './markdown.ts'

interface DocumentedName {
  /** The one that is written first; the others are read as well. */
  readonly spellings: readonly string[]
  readonly on: string
  readonly writtenBy: string
  readonly meaning: string
}

const annotations: readonly DocumentedName[] = [
  {
    spellings: [names.optInAnnotation],
    on: 'Service',
    writtenBy: 'user, webhook',
    meaning:
      '`openelb` or `porter`: the Service is ours. Any other value is an explicit no. Without it a Service is ours only by its `loadBalancerClass`, or when the default Eip has `adopt: true`.',
  },
  {
    spellings: names.poolAnnotation,
    on: 'Service',
    writtenBy: 'user, webhook',
    meaning: 'Eip asked for, or assigned; two, separated by a comma, for dual stack.',
  },
  {
    spellings: names.addressAnnotation,
    on: 'Service',
    writtenBy: 'user, webhook',
    meaning:
      'Address asked for, or assigned; one of each family, separated by a comma. Wins over `spec.loadBalancerIP`.',
  },
  {
    spellings: names.protocolAnnotation,
    on: 'Service',
    writtenBy: 'user, webhook',
    meaning: '`bgp`, `layer2` or `vip`: only Eips of that protocol.',
  },
  {
    spellings: [names.sharingKeyAnnotation],
    on: 'Service',
    writtenBy: 'user',
    meaning: 'Services of different namespaces with the same value may share one address.',
  },
  {
    spellings: [names.claimAnnotation],
    on: 'Service',
    writtenBy: 'webhook, controller',
    meaning:
      'The bond between the Service and its EipAllocation: the same nonce stands in both. Leave it alone; copied to another Service it is recognised as a copy.',
  },
  {
    spellings: names.defaultEipAnnotation,
    on: 'Eip',
    writtenBy: 'user',
    meaning: '`"true"`: this Eip serves Services that ask for none and are bound to none. One Eip at most.',
  },
  {
    spellings: [names.forceDeleteAnnotation],
    on: 'Eip',
    writtenBy: 'user',
    meaning: '`"true"`: the Eip may be deleted while its addresses are in use; they are withdrawn, and kept for 24 h.',
  },
  {
    spellings: [names.drainAnnotation],
    on: 'Node',
    writtenBy: 'user',
    meaning: '`"true"`: the announcements of this node are taken away gently, and stay away.',
  },
  {
    spellings: [names.drainedForAnnotation],
    on: 'Node',
    writtenBy: 'kubectl bellhop',
    meaning: '`uninstall`: `kubectl bellhop uninstall` has drained the node and takes both away again.',
  },
  {
    spellings: [names.currentUpToAnnotation],
    on: 'Lease of a speaker',
    writtenBy: 'speaker',
    meaning: 'Time up to which what the speaker has seen is current and acted on (RFC 3339).',
  },
  {
    spellings: names.keptVersionAnnotations,
    on: 'Eip, BgpConf, BgpPeer',
    writtenBy: 'webhook (conversion)',
    meaning: 'What only the version it is named after can say, as JSON, while the object is written in the other one.',
  },
]

const labels: readonly DocumentedName[] = [
  {
    spellings: [names.poolLabel],
    on: 'Service',
    writtenBy: 'webhook, controller',
    meaning: 'The Eip of the address. Speakers look at Services with this label only.',
  },
  {
    spellings: names.rackLabel,
    on: 'Node',
    writtenBy: 'user',
    meaning: 'Rack of the node. Read live.',
  },
  {
    spellings: [names.excludeNodeLabel],
    on: 'Node',
    writtenBy: 'user',
    meaning: 'Any value: the node is no next hop (Kubernetes: Well-Known Labels).',
  },
  {
    spellings: names.cniLabel,
    on: 'Eip, BgpConf, BgpPeer',
    writtenBy: 'a CNI',
    meaning: 'A BgpConf or BgpPeer is left to the CNI; an Eip is allocated from and not announced.',
  },
  {
    spellings: [names.eipLabel],
    on: 'EipAllocation',
    writtenBy: 'webhook, controller',
    meaning: 'The Eip of the address, to select by.',
  },
  {
    spellings: [names.namespaceLabel],
    on: 'EipAllocation',
    writtenBy: 'webhook, controller',
    meaning: 'Namespace of the Service that had the address first; quotas are counted by it.',
  },
]

const conditions: readonly DocumentedName[] = [
  {
    spellings: [names.assignedCondition],
    on: 'Service',
    writtenBy: 'controller',
    meaning: 'True: it has its address. False: the reason says what is lacking, the message how to mend it.',
  },
  {
    spellings: [names.advertisedCondition],
    on: 'Service',
    writtenBy: 'controller',
    meaning: 'True: at least one router has the address. False: the reason says why none has.',
  },
  {
    spellings: [names.soleProviderCondition],
    on: 'Service',
    writtenBy: 'controller',
    meaning: 'False: an OpenELB or Porter still works on this cluster, and its finalizers are left alone.',
  },
]

/** Every name on the page. */
export const documentedNames: readonly string[] = [...annotations, ...labels, ...conditions].flatMap(
  ({ spellings }) => spellings,
)

/** The page, ending in a newline. */
export function namesPage(): string {
  return lines([
    generatedNote,
    '',
    '# Annotations, labels, conditions',
    '',
    'Where two spellings stand, both are read, the first is the one that Bellhop writes, and it wins.',
    '',
    '## Annotations',
    '',
    ...table(annotations),
    '',
    '## Labels',
    '',
    ...table(labels),
    '',
    '## Conditions',
    '',
    'The [reasons](reasons.md) are the same in conditions, events, logs and metrics.',
    '',
    ...table(conditions),
    '',
    '## Classes',
    '',
    `A Service whose \`spec.loadBalancerClass\` is ${names.loadBalancerClasses.map((name) => `\`${name}\``).join(' or ')} is ours, whatever its annotations say.`,
  ])
}

function table(rows: readonly DocumentedName[]): readonly string[] {
  return tableOf(
    ['Name', 'On', 'Written by', 'Meaning'],
    rows.map(({ spellings, on, writtenBy, meaning }) => [
      spellings.map((spelling) => `\`${spelling}\``).join('<br>'),
      on,
      writtenBy,
      meaning,
    ]),
  )
}
