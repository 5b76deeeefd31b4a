// Who announces which address to which router, with which next hops, or why not (design §6).
//
// 1. endpoints.ts: which nodes have an endpoint that may get traffic, read from EndpointSlices as kube-proxy reads them.
// 2. usable.ts: whether a node may carry traffic at all.
// 3. racks.ts: which speakers announce the nodes that do not speak for themselves. The controller computes it and writes
//    it into the Rack objects; a speaker reads its own rack's only.
// 4. decide.ts: for one address and one node, the paths for every peer, or the reason of the "no".
// 5. sessions.ts: which BGP sessions the node is to have, from BgpConf, BgpPeers, Secrets and the own Node.
// 6. advertised.ts, peer-status.ts: what the controller concludes from what all speakers report.
//
// Never: a clock, a list of everything for one address, a "no" without a reason.
export * from './advertised.ts'
export * from './attributes.ts'
export * from './decide.ts'
export * from './endpoints.ts'
export * from './hash.ts'
export * from './peer-status.ts'
export * from './racks.ts'
export * from './sessions.ts'
export * from './slice-index.ts'
export * from './usable.ts'
export * from './world.ts'
