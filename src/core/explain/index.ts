// Questions about a cluster and their answers: what is wrong, why a Service has no address, no route, no traffic.
//
//   1. cluster.ts: everything that one read of a cluster found, as values (programs.ts: Bellhop's own programs in it)
//   2. view.ts: the same, indexed; worlds.ts: what each speaker makes of it, by the function that speakers decide with
//   3. pools.ts, peers.ts, racks.ts, services.ts: a row for each object, with what is wrong about it
//   4. status.ts: is all well, and if not, what is not (leader.ts: who leads)
//   5. service.ts: from the request to the traffic of one Service, stage by stage, up to what is wrong: request.ts,
//      assignment.ts (pool, record, status), route.ts (endpoints, nodes), session-stage.ts, next-hops.ts (ways.ts: which
//      router was told which next hops); address.ts: who has an address, or why nobody could
//   6. remedies.ts: what to do about each reason
//
// Never: a decision made here that some program makes too (it is asked of ipam, status and announce), a clock, a "no"
// without a reason of core/model/reasons.ts, a claim about what no object tells.
export * from './address.ts'
export * from './cluster.ts'
export * from './peers.ts'
export * from './pools.ts'
export * from './programs.ts'
export * from './racks.ts'
export * from './leader.ts'
export * from './remedies.ts'
export * from './route.ts'
export * from './service.ts'
export * from './services.ts'
export * from './stage.ts'
export * from './status.ts'
export * from './time.ts'
export * from './view.ts'
export * from './ways.ts'
export * from './worlds.ts'
