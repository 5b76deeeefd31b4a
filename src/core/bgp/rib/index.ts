// What a peer should have (wanted), what it has (sent), and the UPDATEs between the two: RFC 4271 §3.2 and §9.2, RFC 7911.
//
// 1. adj-rib-out.ts holds both, prefix by prefix, and which prefixes may differ: a change costs the same however many
//    prefixes there are.
// 2. outbound.ts knows one session: which of the wanted paths it can carry, and with which attributes. Equal attributes
//    are encoded once and shared.
// 3. next-updates.ts takes the differing prefixes and makes messages of them, lazily, a message at a time: withdrawals
//    first; within one prefix the new next hop before the old one is withdrawn; as many prefixes in a message as fit.
//    The table changes as a message is handed out, so that stopping anywhere leaves it true.
//
// Never: a withdrawal of what was not sent, or a pass over all prefixes because of one.
export * from './adj-rib-out.ts'
export * from './next-updates.ts'
export * from './outbound.ts'
export { PathInterner } from './path-interner.ts'
