// The path attributes of an UPDATE (RFC 4271 §4.3 and §5): flags, type, length, value; one file for each, or for two
// that share their form.
//
// 1. read.ts reads the whole field: damage is a WireError with its RFC 7606 class, whatever is sound is kept.
// 2. write.ts writes them: MP_REACH_NLRI first (RFC 7606 §5.1), then by type.
// 3. codecs below is the one table of what we know; what is not in it is kept as `unknown`.
// Never: an attribute that is passed on. We are no transit.
export type * from './attribute.ts'
export { segmentTypes } from './attribute.ts'
export * from './read.ts'
export * from './write.ts'
