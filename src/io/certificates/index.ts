// The webhook's certificates: an authority for ten years, a serving certificate for 90 days, both in one Secret.
//
//   1. read the Secret `bellhop-webhook-tls`; plan.ts says from it and the time what is due
//   2. carry it out (material.ts), write it over what was read; another replica was faster: read again and adopt
//   3. serve the leaf; put the trusted authorities into the caBundle of both webhook configurations (ca-bundle.ts)
//   4. look again every few seconds: a renewal, a deleted Secret, a wiped caBundle
//
// A new authority is in every caBundle before a leaf of it is served, and the old one stays in it until nothing serves a
// leaf of it. Never: a key in a log, an error or an object other than the Secret; a Secret written over unread content.
export * from './ca-bundle.ts'
export * from './keep.ts'
export * from './material.ts'
export * from './plan.ts'
export * from './secret.ts'
export * from './x509.ts'
