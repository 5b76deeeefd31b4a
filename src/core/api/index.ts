// The kinds as the API server sees them. One zod schema per kind; from it come the CustomResourceDefinition and the
// reference page (tools/generate.ts writes both, `make generate`).
//
//   1. eip.ts, bgp-conf.ts … say what a kind's fields are, with bounds, CEL rules and descriptions.
//   2. structural.ts brings the schema into the form that the API server takes.
//   3. crd.ts makes the CustomResourceDefinition, page.ts and names-page.ts the reference pages.
//
// Must never: read objects (core/model does, and forgives more), hold a rule that needs another object (that is
// core/admission's), or bound a status. A further version of a kind is a further entry of its `versions`; v1alpha1/ has
// the old one and converts.
import { bgpConf } from './bgp-conf.ts'
import { bgpPeer } from './bgp-peer.ts'
import { eip } from './eip.ts'
import { eipAllocation } from './eip-allocation.ts'
import type { Kind } from './kind.ts'
import { rack, speaker } from './speaker.ts'

export * from './crd.ts'
export * from './kind.ts'
export { documentedNames, namesPage } from './names-page.ts'
export * from './page.ts'
export { type ConversionReview, type Converted, convertObject, convertReview } from './v1alpha1/index.ts'

export const kinds: readonly Kind[] = [eip, bgpConf, bgpPeer, eipAllocation, speaker, rack]
