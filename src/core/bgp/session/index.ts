// The finite state machine of RFC 4271 §8: see README.md.
export type * from './action.ts'
export * from './collision.ts'
export * from './event.ts'
export * from './negotiate.ts'
export * from './state.ts'
export * from './step.ts'
export * from './settings-change.ts'
