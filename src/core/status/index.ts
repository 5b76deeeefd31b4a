// What the status and conditions of each object should be. Pure: whoever writes compares with what is stored and adds
// times; no write when nothing changed.
export { poolSize } from '../ipam/space.ts'
export * from './eip.ts'
export * from './same-value.ts'
export * from './service.ts'
