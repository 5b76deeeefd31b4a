// The real routers, one file each, behind one interface: a claim is written once and shown with each of them.
//
// 1. daemon.ts says what a test asks of a router, and `lacks` what one of them cannot do.
// 2. frr.ts, bird.ts and gobgp.ts write the daemon's own configuration, start it and read its tables.
//
// Never: a judgement. What a router has is compared in the tests.
import { bird } from './bird.ts'
import type { Daemon } from './daemon.ts'
import { frr } from './frr.ts'
import { gobgp } from './gobgp.ts'

export * from './daemon.ts'
export { bird, frr, gobgp }
/** The slowest first: they are taken several at a time. */
export const daemons: readonly Daemon[] = [gobgp, frr, bird]
