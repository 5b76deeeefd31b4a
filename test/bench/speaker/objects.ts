// What the speaker is told in the benchmarks: Services that have their addresses, with three endpoints each, written as
// the webhook, the controller and the EndpointSlice controller leave them.
import { formatIp } from '../../../src/core/address/index.ts'
import { poolLabel } from '../../../src/core/model/names.ts'
import {
  type KubeObject,
  apiVersionOf,
  bgpConfs,
  bgpPeers,
  eips,
  endpointSlices,
  services,
} from '../../../src/io/kube/index.ts'
import { type ApiAccess, applyObject, valueOf } from '../../lab/api.ts'
import { clusterAs, nodeNames } from '../../lab/topology.ts'
import { listenerAs } from './listener.ts'

const pool = 'bench'
const namespace = 'default'
const atOnce = 24
const firstAddress = 0xac_18_00_00n

/** 172.24.0.0 and on. */
export const addressOf = (index: number): bigint => firstAddress + BigInt(index)
/** Each of policy Local takes a port of its own on all nodes (`healthCheckNodePort`), of which there are 2,768. */
export const isLocal = (index: number): boolean => index % 2 === 1 && index % 10_000 < mostWithLocal
/** Below it every other Service is of policy Local. */
export const mostWithLocal = 2_000
export const nameOf = (index: number): string => `bench-${index}`

export async function createConfiguration(api: ApiAccess, listeners: readonly string[]): Promise<void> {
  const apiVersion = apiVersionOf(eips)
  await applyObject(api, eips, {
    ...{ apiVersion, kind: 'Eip', metadata: { name: pool } },
    spec: { address: '172.24.0.0/16', protocol: 'bgp' },
  })
  await applyObject(api, bgpConfs, {
    ...{ apiVersion, kind: 'BgpConf', metadata: { name: 'default' } },
    spec: { as: clusterAs, listenPort: 17900 },
  })
  for (const [index, neighborAddress] of listeners.entries()) {
    await applyObject(api, bgpPeers, {
      ...{ apiVersion, kind: 'BgpPeer', metadata: { name: `listener-${index}` } },
      spec: { conf: { peerAs: listenerAs, neighborAddress } },
    })
  }
}

/** Services from `from` up to `to`; every node has a ready endpoint of each. */
export async function createServices(api: ApiAccess, from: number, to: number): Promise<void> {
  let next = from
  const work = async (): Promise<void> => {
    while (next < to) await createService(api, next++)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

export async function createService(api: ApiAccess, index: number, { assigned = true } = {}): Promise<void> {
  valueOf(await api.client.create(endpointSlices, sliceObject(index)))
  valueOf(await api.client.create(services, serviceObject(index)))
  if (assigned) await assignAddress(api, index)
}

/** As the controller does: the Service has its address from the answer on. */
export async function assignAddress(api: ApiAccess, index: number): Promise<void> {
  const ip = formatIp({ family: 4, bits: addressOf(index) })
  await patchService(api, index, { status: { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } } }, 'status')
}

export async function patchService(
  { client }: ApiAccess,
  index: number,
  body: unknown,
  subresource?: 'status',
): Promise<void> {
  const ref = { resource: services, namespace, name: nameOf(index) }
  valueOf(await client.patch(ref, { type: 'merge', body, subresource }))
}

/** Whether the endpoint on one node is ready; those on the others are. */
export async function setEndpoint({ client }: ApiAccess, index: number, node: string, ready: boolean): Promise<void> {
  const ref = { resource: endpointSlices, namespace, name: nameOf(index) }
  const endpoints = endpointsOf(index, (each) => each !== node || ready)
  valueOf(await client.patch(ref, { type: 'merge', body: { endpoints } }))
}

export async function deleteService({ client }: ApiAccess, index: number): Promise<void> {
  valueOf(await client.delete({ resource: services, namespace, name: nameOf(index) }))
}

function serviceObject(index: number): KubeObject {
  return {
    ...{ apiVersion: 'v1', kind: 'Service' },
    metadata: { namespace, name: nameOf(index), labels: { [poolLabel]: pool } },
    spec: {
      type: 'LoadBalancer',
      allocateLoadBalancerNodePorts: false,
      externalTrafficPolicy: isLocal(index) ? 'Local' : 'Cluster',
      selector: { app: nameOf(index) },
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    },
  }
}

function sliceObject(index: number): KubeObject {
  return {
    ...{ apiVersion: apiVersionOf(endpointSlices), kind: 'EndpointSlice', addressType: 'IPv4' },
    metadata: {
      namespace,
      name: nameOf(index),
      labels: {
        'kubernetes.io/service-name': nameOf(index),
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        [poolLabel]: pool,
      },
    },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: endpointsOf(index, () => true),
  }
}

function endpointsOf(index: number, isReady: (node: string) => boolean): readonly unknown[] {
  return nodeNames.map((nodeName, at) => {
    const ready = isReady(nodeName)
    const pod = { kind: 'Pod', namespace, name: `${nameOf(index)}-${at}` }
    const addresses = [`10.244.${at}.${2 + (index % 250)}`]
    return { addresses, nodeName, conditions: { ready, serving: ready, terminating: false }, targetRef: pod }
  })
}
