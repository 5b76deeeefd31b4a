// What decides who may have which address, as the cluster has it now: Eips, labels of namespaces, the cluster's primary
// family, and the addresses that are never handed out. Webhook and controller see it through the same eyes.
//
//   1. one reflector a resource: Eips, Namespaces (labels only), Nodes and BgpPeers (addresses only), ServiceCIDRs, the
//      Service default/kubernetes (family) and its EndpointSlices (the API servers)
//   2. each change is put into an index; `pools` reads the indexes, so a decision costs no copying
//
// Never: a write; an object kept whole.
export * from './observe.ts'
export * from './reserved.ts'
