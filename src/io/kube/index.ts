// The cluster, as far as programs need it: calls, views kept up to date, a work queue, one leader, events.
//
//   1. readCredentials finds the API server and who we are; openClient makes a KubeClient of it. Every call ends in an
//      Answer: nothing throws, nothing waits without a limit, and the caller decides what a failure means.
//   2. openReflector keeps a Store of one resource true: a paged list, cut down to our values as it comes, then a
//      watch, taken up again wherever it ends (reflector.ts says which ends there are).
//   3. Its onChange adds keys to an openWorkQueue, whose work looks everything up in stores: one at a time per key, with
//      backoff, so nothing depends on having seen an event.
//   4. runLeaderElection lets one replica work; openEvents tells people what was done.
//
// Never: a PUT of an object that others write too (patch it), a finalizer, @kubernetes/client-node in a Pod (85 MB), a
// retry without backoff, two clocks of two machines compared.
export { type ClientOptions, openClient } from './client.ts'
export {
  type Credentials,
  CredentialsError,
  type CredentialsErrorCode,
  type CredentialsOptions,
  type Identity,
  readCredentials,
} from './credentials.ts'
export { openEvents } from './events.ts'
export type * from './interface.ts'
export { runLeaderElection } from './leader-election.ts'
export { microTime } from './micro-time.ts'
export { openReflector } from './reflector.ts'
export { isOlderVersion } from './resource-version.ts'
export * from './resources.ts'
export { type WorkOutcome, type WorkQueue, type WorkQueueOptions, openWorkQueue } from './work-queue.ts'
