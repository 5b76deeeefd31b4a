// The closed set of reasons. A decision that is a "no", and every condition, carries one of these codes; the same word
// stands in logs, events, conditions, metrics and docs/reference/reasons.md (generated from this table).

export const reasons = {
  // An address: had, or not to be had yet. The Service is admitted and waits (openelb-api.md 1.3).
  Assigned: 'the Service has its address',
  UnknownPool: 'the Eip that the Service asks for does not exist',
  NoDefaultPool: 'no Eip is bound to the namespace, and there is no default Eip',
  AddressInNoPool: 'no Eip covers the address asked for',
  PoolDisabled: 'the Eip hands out no new addresses (spec.disable)',
  PoolDeleting: 'the Eip is being deleted',
  PoolMalformed: 'the Eip has an address that cannot be read',
  PoolOverlap: 'the Eip overlaps an older one, which counts',
  PoolFull: 'the Eip has no free address',
  AddressTaken: 'another Service holds the address and the two do not share',
  AddressCooling: 'the address was given back a moment ago and is not withdrawn everywhere yet',
  AddressRetained: 'the address is kept for the Service that had it',
  PortCollision: 'a Service that shares the address has the same port and protocol',
  FamilyUnavailable: 'no Eip that may be used has an address of the IP family',
  // What contradicts itself or what policy forbids. The request is refused.
  MalformedAddress: 'the address asked for is no IP address',
  AddressOutsidePool: 'the address asked for is not in the Eip asked for',
  AddressReserved: 'the address belongs to the cluster itself or is excluded from its Eip',
  ProtocolMismatch: 'the Eip has another protocol than the one asked for',
  FamilyMismatch: 'the Eip has no address of the IP family of the Service',
  NamespaceNotAllowed: 'the Eip is bound to other namespaces',
  QuotaExceeded: 'the namespace has as many addresses of the Eip as maxPerNamespace allows',
  SharingBroken: 'the change would break the sharing of an address in use',
  MalformedObject: 'a field of the object has a value that cannot be used',
  PoolOverlaps: 'the Eip would overlap another one',
  SecondDefaultPool: 'another Eip is the default already',
  AddressInUse: 'the change would leave an address in use outside every Eip',
  PoolInUse: 'addresses of the Eip are in use',
  PoolCoversCluster: 'the Eip covers addresses that belong to the cluster itself',
  // Over the life of a Service.
  Released: 'the Service has given its address back',
  PoolGone: 'the Eip of the address is gone or no longer covers it; the address is kept',
  PoolForceDeleted: 'the Eip was force-deleted; the address is kept 24 h for the Service, for when an Eip has it again',
  KeptAddress: 'the new address is not to be had; the old one is kept',
  StatusContested: 'another program keeps rewriting the status',
  LostAddress: 'an older claim holds the address; another one is assigned',
  // Of an Eip.
  Ready: 'the Eip hands out addresses',
  Complete: 'status.used lists every address in use',
  Truncated: 'more addresses are in use than status.used lists',
  Announced: 'addresses of the Eip are announced by BGP',
  // Announcing.
  Advertised: 'at least one router has the way to the address',
  NoAddress: 'the Service has no address',
  NoReadyEndpoint: 'no endpoint of the Service is ready',
  NoLocalEndpoint: 'policy Local, and this node has no ready endpoint',
  NoUsableNode: 'no node that could carry the traffic is usable',
  NodeNotReady: 'the node is not Ready',
  NodeNetworkUnavailable: 'the network of the node is not available',
  NodeExcluded: 'the node is labelled node.kubernetes.io/exclude-from-external-load-balancers',
  NodeDeleting: 'the node is being deleted',
  NodeDrained: 'the node is drained by annotation bellhop.dev/drain',
  NodeLeaving: 'the speaker of the node is leaving the node',
  NoBgpConf: 'there is no BgpConf named default, or it has no AS number',
  NoPeer: 'no BgpPeer is meant for the node',
  NoSession: 'no BGP session is established',
  PeerNotSelected: 'the Eip names other peers',
  FamilyNotNegotiated: 'the session does not carry the IP family',
  ProtocolNotAnnounced: 'protocol layer2 or vip is not announced yet',
  OwnedByCni: 'the object is left to the CNI by label',
  NoNextHop: 'the node has no address in the subnet of the session',
  NoLocalNextHop: 'the node itself has no global address of the IP family on the link of the session',
  NextHopsNotAdvertised: 'the router takes only one path, or fewer than there are next hops',
  NoSpeaker: 'no speaker is alive',
  SpeakersBehind: 'no speaker has caught up with the Service yet',
  PasswordMissing: 'the Secret with the password of the peer is missing',
  SessionReset: 'a change of its settings has ended a BGP session, or it was shut down by conf.adminDown',
  MalformedPeer: 'the BgpPeer has no usable neighbour address or AS number',
  NotDefaultConf: 'only the BgpConf named default counts',
  RouterIdShared: 'one BGP identifier is given to every speaker',
  PasswordReadable: 'a password stands in plain text in an object',
  FieldUnused: 'a field of OpenELB that means nothing here is set',
  RouteForeign: 'a route that is not ours stands where the host route belongs',
  HostAccessRisky: 'hostAccess makes every daemon of a node reachable at the address',
  HostAccessRefused: 'hostAccess is not given at an address in a subnet of the node itself',
  // The programs themselves.
  SpeakerAlive: 'the speaker renews its Lease',
  SpeakerSilent: 'the speaker has not renewed its Lease for 40 s',
  OtherProvider: 'an OpenELB or a Porter is running in the cluster as well',
  // What `kubectl bellhop` finds besides.
  NotOurs: 'the Service is not for Bellhop: its type, class or annotation says so',
  PoolFilling: 'nine of ten addresses of the Eip are in use',
  StatusBehind: 'the Service has a record and not yet the address in its status',
  SessionDown: 'a BGP session of a living speaker is not established',
  RackUnserved: 'nobody speaks for the nodes of the rack to some router',
  ProgramNotReady: 'fewer Pods of a program are ready than are wanted',
  NoLeader: 'no controller is leading: nobody renews its Lease',
  WebhookUnreachable: 'the API server cannot call the webhook, or would not',
  WebhookUntrusted: 'a webhook configuration is missing or has no caBundle',
  CertificateExpiring: 'the serving certificate of the webhook is expired or about to be',
} as const

export type ReasonCode = keyof typeof reasons

/** One "no" (or state) with its sentence: what, where, how to mend it. Never contains a password. */
export interface Reason {
  readonly code: ReasonCode
  readonly message: string
}
