// Addresses as values. Parse at the edge, compute on bits, format at the edge; map keys are the canonical text.
export * from './ip.ts'
export * from './prefix.ts'
export * from './range.ts'
