// GRACEFUL_SHUTDOWN (RFC 8326): routes that are about to go say so first, and routers move the traffic meanwhile.
import type { RouteAttributes } from './model.ts'

/** 65535:0. */
export const gracefulShutdownCommunity = 0xffff_0000

/** RFC 8326 §4.2: tagged, once; the least LOCAL_PREF where that is sent at all. */
export function withGracefulShutdown(attributes: RouteAttributes): RouteAttributes {
  const others = (attributes.communities ?? []).filter((community) => community !== gracefulShutdownCommunity)
  return { ...attributes, localPref: 0, communities: [...others, gracefulShutdownCommunity] }
}
