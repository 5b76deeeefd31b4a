// BGP sessions to routers, announcing prefixes: see README.md.
export * from './engine.ts'
export type * from './bgp.ts'
