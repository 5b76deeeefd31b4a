// What Bellhop writes into the metadata of a Service that has its address, and takes out again (openelb-api.md 1.2).
import { type JsonPatch, patchMap } from '../admission/json-patch.ts'
import {
  type Asked,
  type Service,
  addressAnnotation,
  claimAnnotation,
  optInAnnotation,
  optInValue,
  poolAnnotation,
  poolLabel,
  protocolAnnotation,
} from '../model/index.ts'
import type { Draft } from './choose.ts'
import { writtenAddresses, writtenPools } from './request.ts'

type Held = Pick<Draft, 'address' | 'eip'> & { readonly protocol: string }

/** Only what is missing or differs; a protocol (`asked`) or opt-in that the user wrote, in either spelling, stays. */
export function patchAssigned(
  service: Service,
  held: readonly Held[],
  claim: string,
  { protocol: askedProtocol }: Pick<Asked, 'protocol'>,
): JsonPatch {
  const { annotations, labels } = service
  return [
    ...patchMap(['metadata', 'annotations'], annotations, {
      ...(annotations[optInAnnotation] === undefined && service.loadBalancerClass === undefined
        ? { [optInAnnotation]: optInValue }
        : {}),
      [poolAnnotation[0]]: writtenPools(held),
      [addressAnnotation[0]]: writtenAddresses(held),
      ...(askedProtocol === undefined ? { [protocolAnnotation[0]]: held[0]?.protocol ?? 'bgp' } : {}),
      [claimAnnotation]: claim,
    }),
    ...patchMap(['metadata', 'labels'], labels, { [poolLabel]: held[0]?.eip ?? '' }),
  ]
}

/** Label and claim alone: by them the Service is announced and known, whatever it asks for instead of what it has. */
export function patchBond({ annotations, labels }: Service, held: readonly Held[], claim: string): JsonPatch {
  return [
    ...patchMap(['metadata', 'annotations'], annotations, { [claimAnnotation]: claim }),
    ...patchMap(['metadata', 'labels'], labels, { [poolLabel]: held[0]?.eip ?? '' }),
  ]
}

/** Label, claim and address go; pool and protocol stay, they are of use when the Service comes back. */
export function patchReleased({ annotations, labels }: Service): JsonPatch {
  const gone = (keys: readonly string[], of: Readonly<Record<string, string>>): Record<string, undefined> =>
    Object.fromEntries(keys.filter((key) => key in of).map((key) => [key, undefined]))
  const entries = [claimAnnotation, addressAnnotation[0]]
  return [
    ...patchMap(['metadata', 'annotations'], annotations, gone(entries, annotations)),
    ...patchMap(['metadata', 'labels'], labels, gone([poolLabel], labels)),
  ]
}

/** As its user wrote it, as far as the record knows: for a Service whose address is not kept for it any longer. */
export function patchForgotten({ annotations, labels }: Service, asked: Asked): JsonPatch {
  const { pool, address, loadBalancerIP, protocol } = asked
  return [
    ...patchMap(['metadata', 'annotations'], annotations, {
      [poolAnnotation[0]]: pool,
      [addressAnnotation[0]]: address === loadBalancerIP ? undefined : address,
      [protocolAnnotation[0]]: protocol,
      [claimAnnotation]: undefined,
    }),
    ...patchMap(['metadata', 'labels'], labels, { [poolLabel]: undefined }),
  ]
}
