// Addresses: who may have which, and what is to be done about it.
//
// 1. ours.ts      is the Service ours at all?
// 2. request.ts   what does it ask for, apart from what we wrote ourselves?
// 3. choose.ts    which pool, which address: candidates, or the one reason why not (pools.ts, share.ts, taken.ts)
// 4. own.ts       which of its records are its own, which one it has lost to an older claim
// 5. withheld.ts the Eip of a record was force-deleted: who gets what back, and until when
// 6. plan.ts      the controller's view of one Service: the disagreements of Service and record, and the steps to mend them
//
// Never: a write, a clock, a die. Claiming is an effect; here are only candidates, tried by whoever holds the client.
export * from './allocation.ts'
export * from './choose.ts'
export * from './ours.ts'
export * from './own.ts'
export * from './plan.ts'
export * from './pools.ts'
export * from './quota.ts'
export * from './request.ts'
export * from './reserved.ts'
export * from './share.ts'
export * from './space.ts'
export * from './steps.ts'
export * from './taken.ts'
export * from './withheld.ts'
export * from './written.ts'
