// Which nodes have an endpoint that may get traffic, as kube-proxy decides it (KEP-1669): the ready ones; when none is
// ready anywhere, those that still serve while they terminate.
import type { Family } from '../address/index.ts'
import { Interner } from '../interner.ts'
import { type Endpoint, type EndpointSlice, type KubeObjectLike, readEndpointSlice } from '../model/index.ts'

/** Reads slices; the endpoints of thousands of Services are on the same nodes in the same states, and are kept once. */
export function sharingReader(): (object: KubeObjectLike) => EndpointSlice | undefined {
  const endpoints = new Interner<Endpoint>((each) => Object.values(each).join(' '))
  return (object) => {
    const slice = readEndpointSlice(object)
    return slice && { ...slice, endpoints: slice.endpoints.map((each) => endpoints.intern(each)) }
  }
}

export interface ReadyNodes {
  /** An endpoint that may get traffic exists, also one that names no node. */
  readonly any: boolean
  readonly nodes: ReadonlySet<string>
}

/** Of all slices of one Service; those of the other family do not count. */
export function readyNodes(slices: Iterable<EndpointSlice>, family: Family): ReadyNodes {
  const endpoints: Endpoint[] = []
  for (const slice of slices) if (slice.family === family) endpoints.push(...slice.endpoints)
  const ready = endpoints.filter((endpoint) => endpoint.ready)
  const chosen = ready.length > 0 ? ready : endpoints.filter(({ serving, terminating }) => serving && terminating)
  return {
    any: chosen.length > 0,
    nodes: new Set(chosen.flatMap(({ node }) => (node === undefined ? [] : [node]))),
  }
}
