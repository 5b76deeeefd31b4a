// A BGP-4 speaker (RFC 4271) that announces prefixes and takes none, as pure functions: bytes, timers and sockets belong
// to src/io/bgp.
//
// 1. wire/     bytes ↔ messages. What cannot be read is a value too: the NOTIFICATION to answer with and its RFC 7606 class.
// 2. session/  the finite state machine of RFC 4271 §8: step(state, event, now) → { state, actions }.
// 3. rib/      what a peer should have and what it has; the UPDATEs between the two.
//
// Never: a clock, randomness, a socket, or a word about why a prefix is announced.
export * from './graceful-shutdown.ts'
export type * from './model.ts'
