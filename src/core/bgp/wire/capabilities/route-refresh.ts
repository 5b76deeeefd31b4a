// Route Refresh, RFC 2918 §2, and Enhanced Route Refresh, RFC 7313 §3.1: both without a value.
import type { CapabilityCodec } from './capability.ts'

export const routeRefresh: CapabilityCodec<'routeRefresh'> = {
  code: 2,
  read: () => ({ name: 'routeRefresh' }),
  write: () => {},
}

export const enhancedRouteRefresh: CapabilityCodec<'enhancedRouteRefresh'> = {
  code: 70,
  read: () => ({ name: 'enhancedRouteRefresh' }),
  write: () => {},
}
