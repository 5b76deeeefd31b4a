// The webhook's certificates: an authority for ten years, a serving certificate for 90 days, both in one Secret.
//
//   1. read the Secret `bellhop-webhook-tls`; plan.ts says from it and the time what is due
//   2. carry it out (material.ts, ensure.ts), write it over what was read; another replica was faster: read and adopt
//   3. put the authorities into every caBundle (ca-bundle.ts): both webhook configurations, the kinds that are converted
//   4. serve the leaf, once its authority is trusted (trust.ts)
//   5. look again (keep.ts) when any of these objects changes or something is due, and every few minutes in any case
//
// A new authority is in every caBundle before a leaf of it is served, and the old one stays in it for an hour after that.
// Never: a key in a log, an error or an object other than the Secret; a Secret written over unread content; another field
// of a configuration than the caBundle.
export * from './ca-bundle.ts'
export * from './ensure.ts'
export * from './keep.ts'
export * from './material.ts'
export * from './plan.ts'
export * from './secret.ts'
export * from './trust.ts'
export * from './x509.ts'
