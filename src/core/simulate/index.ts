// What would change: the decisions of controller and speakers, made on a cluster as it would be.
//
// 1. change.ts   a view of a cluster with one thing changed: a node drained or lost, a router lost; the racks planned
//                anew for it, as the controller would
// 2. ways.ts     every address → router → next hops, as each speaker decides; and how those of two views differ
// 3. pool.ts     an Eip created, edited or deleted: what admission says, and what the controller would then do
// 4. service.ts  a Service created: what admission answers
//
// Must never: decide anything by itself. What a simulation says is what core/announce, core/admission and core/ipam say
// of the changed cluster, so it cannot differ from what then happens.
export * from './change.ts'
export * from './pool.ts'
export * from './service.ts'
export * from './ways.ts'
