// What to do about a reason, as commands and settings. Most messages hold a remedy already: here is where to look and what
// to type.
import {
  type ReasonCode,
  drainAnnotation,
  eipLabel,
  excludeNodeLabel,
  optInAnnotation,
  optInValue,
  peersNamespace,
  poolAnnotation,
  sharingKeyAnnotation,
} from '../model/index.ts'

export interface RemedyAbout {
  readonly namespace: string
  /** Of the Service. */
  readonly name: string
  /** The one that the message is about. */
  readonly eip: string | undefined
  readonly systemNamespace: string
}

interface Words {
  /** `-n default service web`. */
  readonly service: string
  readonly namespace: string
  readonly name: string
  readonly eip: string
  readonly system: string
  /** Commands that show the Pods and log of a program. */
  readonly logs: (program: string) => string
}

/** Nothing for what is in order. */
export function remediesOf(code: ReasonCode, about: RemedyAbout): readonly string[] {
  const { namespace, name, eip = 'NAME', systemNamespace: system } = about
  const words: Words = {
    ...{ service: `-n ${namespace} service ${name}`, namespace, name, eip, system },
    logs: (program) => `kubectl -n ${system} get pods; kubectl -n ${system} logs deploy/bellhop-${program}`,
  }
  return remedies.find(([codes]) => codes.includes(code))?.[1](words) ?? []
}

const remedies: readonly (readonly [readonly ReasonCode[], (words: Words) => readonly string[]])[] = [
  [
    ['NotOurs'],
    ({ service }) => [
      `for Bellhop it needs spec.type LoadBalancer and spec.loadBalancerClass bellhop.dev/lb (at creation), or:`,
      `kubectl annotate --overwrite ${service} ${optInAnnotation}=${optInValue}`,
    ],
  ],
  [
    ['UnknownPool', 'ProtocolMismatch', 'NamespaceNotAllowed', 'AddressOutsidePool'],
    ({ service }) => [
      'see the pools: kubectl bellhop pools',
      `edit what is asked: kubectl edit ${service} (${poolAnnotation[0]})`,
    ],
  ],
  [
    ['NoDefaultPool', 'FamilyUnavailable', 'FamilyMismatch', 'AddressInNoPool'],
    () => ['see the pools: kubectl bellhop pools', 'create an Eip, or name one that exists: docs/guide/addresses.md'],
  ],
  [
    ['PoolFull', 'PoolFilling', 'QuotaExceeded'],
    ({ eip }) => [
      `see who has the addresses: kubectl get eipa -l ${eipLabel}=${eip}`,
      `widen it or raise its quota: kubectl edit eip ${eip} (spec.extraAddresses, spec.maxPerNamespace)`,
    ],
  ],
  [
    ['PoolDisabled', 'PoolDeleting', 'PoolMalformed', 'PoolOverlap', 'PoolGone', 'PoolForceDeleted', 'KeptAddress'],
    () => ['see the pools: kubectl bellhop pools'],
  ],
  [
    ['AddressTaken', 'PortCollision', 'SharingBroken'],
    () => [`to share, give both Services the same annotation ${sharingKeyAnnotation} and different ports`],
  ],
  [
    ['AddressReserved', 'MalformedAddress', 'MalformedObject'],
    ({ service }) => [`edit what is asked: kubectl edit ${service}`],
  ],
  [
    ['AddressCooling', 'SpeakersBehind'],
    () => ['nothing to do: it passes within a minute, as soon as every speaker has said that it is current'],
  ],
  [
    ['StatusBehind'],
    ({ logs }) => [`usually over in a second; if not, see what the leader says: ${logs('controller')}`],
  ],
  [['NoLeader'], ({ logs }) => [`see why no controller runs: ${logs('controller')}`]],
  [
    ['StatusContested'],
    () => [
      'let one provider only write the status: give the Service a spec.loadBalancerClass, or stop the other program',
    ],
  ],
  [
    ['NoReadyEndpoint'],
    ({ service, namespace, name }) => [
      `see the Pods: kubectl describe ${service}; kubectl get -n ${namespace} endpointslices -l kubernetes.io/service-name=${name}`,
    ],
  ],
  [
    ['NoUsableNode', 'NodeDrained', 'NodeExcluded', 'NodeNotReady'],
    () => [
      'see the nodes: kubectl get nodes',
      `a drained node comes back with: kubectl bellhop undrain NODE (annotation ${drainAnnotation}); an excluded one without the label ${excludeNodeLabel}`,
    ],
  ],
  [
    ['NoSpeaker', 'SpeakerSilent'],
    ({ system }) => [
      `see why it does not run: kubectl -n ${system} get pods -o wide -l app.kubernetes.io/component=speaker`,
    ],
  ],
  [['NoBgpConf'], () => ['create the BgpConf named default with spec.as: docs/guide/first-service.md']],
  [
    ['NoPeer'],
    () => [
      'create a BgpPeer for the router, or widen its spec.nodeSelector to nodes with a speaker: kubectl get bgppeers',
    ],
  ],
  [
    ['NoSession', 'SessionDown'],
    () => [
      'see each session: kubectl bellhop peers',
      "compare with the router's side: its address, AS numbers, password and whether TCP port 179 is open",
    ],
  ],
  [['PasswordMissing'], () => [`create the Secret that the BgpPeer names, in namespace ${peersNamespace}`]],
  [
    ['PeerNotSelected'],
    () => ['name peers with a session in spec.bgp.peers of the Eip, or leave it empty: kubectl bellhop peers'],
  ],
  [
    ['FamilyNotNegotiated'],
    () => ['give the BgpPeer the family (spec.afiSafis), and the router too: docs/guide/dual-stack.md'],
  ],
  [['OwnedByCni'], () => ['take the label openelb.kubesphere.io/cni from the Eip, or have the CNI announce it']],
  [['ProtocolNotAnnounced'], () => ['use an Eip with protocol bgp: layer 2 is not announced yet']],
  [
    ['NoLocalNextHop', 'NoNextHop'],
    () => ['give the node an address on the link of the session, or let its own speaker run: kubectl bellhop racks'],
  ],
  [
    ['NextHopsNotAdvertised'],
    () => ['let the router take several paths (ADD-PATH receive) and raise addPaths.config.sendMax of the BgpPeer'],
  ],
  [['RouteForeign'], () => ['see whose route it is: ip route show table all ADDRESS, on the node']],
  [
    ['RouteMissing'],
    ({ system }) => [`back within 15 s; if not: kubectl -n ${system} logs -l app.kubernetes.io/component=speaker`],
  ],
  [['OtherProvider'], () => ['remove the other provider, or Bellhop: two must not serve one Service']],
  [['ProgramNotReady'], ({ system }) => [`kubectl -n ${system} get pods; kubectl -n ${system} describe pods`]],
  [
    ['WebhookUnreachable'],
    ({ logs }) => [`Services still get addresses, from the controller; see: ${logs('webhook')}`],
  ],
  [['WebhookUntrusted', 'CertificateExpiring'], () => ['certs status; certs issue (docs/operations/certificates.md)']],
  [['RackUnserved'], () => ['let a speaker run on a node of the rack: kubectl bellhop racks']],
]
