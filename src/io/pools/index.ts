// What decides who may have which address, as the cluster has it now: Eips, labels of namespaces, the cluster's primary
// family, the addresses that are never handed out, and those that are taken. Webhook and controller see it through the
// same eyes, and claim with the same hand.
//
//   1. one reflector a resource: Eips, Namespaces (labels only), Nodes and BgpPeers (addresses only), ServiceCIDRs, the
//      Service default/kubernetes (family) and its EndpointSlices (the API servers)
//   2. each change is put into an index; `pools` reads the indexes, so a decision costs no copying
//   3. allocations.ts indexes the EipAllocations, ahead of the watch by what this replica itself did; claim.ts makes
//      them, quota.ts looks whether there were too many, look-up.ts finds those that a Service names, look-again.ts asks
//      the API server before a "no" is said
//
// Never: a write of anything but EipAllocations; an object kept whole.
export * from './allocations.ts'
export * from './claim.ts'
export * from './look-again.ts'
export * from './look-up.ts'
export * from './observe.ts'
export * from './quota.ts'
