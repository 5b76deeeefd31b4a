// Names that stand in objects of the API: annotations, labels, finalizers. OpenELB's and Porter's spellings are both
// read, OpenELB's is the one written (openelb-api.md 2.6).

export const group = 'network.kubesphere.io'

/** Opt-in annotation of a Service, its value `openelb` or `porter`. */
export const optInAnnotation = 'lb.kubesphere.io/v1alpha1'
export const optInValue = 'openelb'
export const optInValues: readonly string[] = ['openelb', 'porter']

export const loadBalancerClasses: readonly string[] = ['bellhop.dev/lb', 'openelb.kubesphere.io/openelb']

/** Annotations with two spellings: `[written, also read]`. */
export const addressAnnotation = ['eip.openelb.kubesphere.io/v1alpha1', 'eip.porter.kubesphere.io/v1alpha1'] as const
export const poolAnnotation = ['eip.openelb.kubesphere.io/v1alpha2', 'eip.porter.kubesphere.io/v1alpha2'] as const
export const protocolAnnotation = [
  'protocol.openelb.kubesphere.io/v1alpha1',
  'protocol.porter.kubesphere.io/v1alpha1',
] as const
export const defaultEipAnnotation = [
  'eip.openelb.kubesphere.io/is-default-eip',
  'eip.porter.kubesphere.io/is-default-eip',
] as const
export const rackLabel = ['openelb.kubesphere.io/rack', 'porter.kubesphere.io/rack'] as const
export const cniLabel = ['openelb.kubesphere.io/cni', 'porter.kubesphere.io/cni'] as const

/** Label of an assigned Service, its value the Eip: speakers select by its presence. */
export const poolLabel = poolAnnotation[0]

export const claimAnnotation = 'bellhop.dev/claim'
export const sharingKeyAnnotation = 'bellhop.dev/sharing-key'
export const forceDeleteAnnotation = 'bellhop.dev/force-delete'
/** On a Node: `"true"` takes its announcements away. */
export const drainAnnotation = 'bellhop.dev/drain'
/** On a Node beside it, while an uninstall has set it: whoever has is to take it away again. */
export const drainedForAnnotation = 'bellhop.dev/drained-for'
/** On a speaker's Lease: time (RFC 3339) up to which its view of the Services was current and is acted on. */
export const currentUpToAnnotation = 'bellhop.dev/current-up-to'

/** On Eip, BgpConf, BgpPeer: what only that version can say, while the object is written in the other one. */
export const keptVersionAnnotations = ['bellhop.dev/v1alpha1', 'bellhop.dev/v1alpha2'] as const

export const eipLabel = 'bellhop.dev/eip'
export const namespaceLabel = 'bellhop.dev/namespace'

export const assignedCondition = 'bellhop.dev/EipAssigned'
export const advertisedCondition = 'bellhop.dev/Advertised'
export const soleProviderCondition = 'bellhop.dev/SoleProvider'

export const excludeNodeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers'

export const systemNamespace = 'bellhop-system'
export const peersNamespace = 'bellhop-peers'
/** Rack of nodes that no label and no session subnet puts anywhere. */
export const noRack = 'none'

/** Every finalizer that a version of OpenELB or Porter has written (openelb-api.md 2.6). */
export function isLegacyFinalizer(finalizer: string): boolean {
  return (
    finalizer.startsWith('finalizer.lb.kubesphere.io/') ||
    finalizer === 'finalizer.ipam.kubesphere.io/v1alpha1' ||
    /^node-proxy\.(porter|openelb)\.kubesphere\.io\/finalizer$/.test(finalizer)
  )
}

/** Value under either spelling; the written one wins. */
export function eitherSpelling(
  values: Readonly<Record<string, string>>,
  [written, alsoRead]: readonly [string, string],
): string | undefined {
  return values[written] ?? values[alsoRead]
}
