// v1alpha1 of Eip, BgpConf and BgpPeer: served for old manifests and clients, stored as v1alpha2, converted without loss.
//
//   1. eip.ts, bgp-conf.ts, bgp-peer.ts: the schema of v1alpha1, and the mapping: which field of one version is which of
//      the other. A mapping says what both can say, and nothing else.
//   2. convert.ts converts one object. What the other version cannot say travels with it in an annotation, named after
//      the version that it belongs to (annotation.ts), and is put back on the way back; an edit made meanwhile wins.
//   3. merge.ts: differences between JSON values (RFC 7396), and putting them back bit by bit.
//   4. review.ts: a ConversionReview of the API server, and its answer.
//
// Must never: fail for what an object holds (one bad object would make its whole list unreadable), change metadata but
// for the two annotations, or make up a value that a client would write back as if it had been asked for.
export * from './convert.ts'
export * from './review.ts'
