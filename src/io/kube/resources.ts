import { keyOf } from '../../core/model/metadata.ts'
import { group } from '../../core/model/names.ts'
import type { ObjectRef, Resource } from './interface.ts'

function resource(group: string, version: string, plural: string, kind: string, namespaced: boolean): Resource {
  return { group, version, plural, kind, namespaced }
}

export const services = resource('', 'v1', 'services', 'Service', true)
export const nodes = resource('', 'v1', 'nodes', 'Node', false)
export const namespaces = resource('', 'v1', 'namespaces', 'Namespace', false)
export const secrets = resource('', 'v1', 'secrets', 'Secret', true)
export const pods = resource('', 'v1', 'pods', 'Pod', true)
export const endpointSlices = resource('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice', true)
export const serviceCidrs = resource('networking.k8s.io', 'v1', 'servicecidrs', 'ServiceCIDR', false)
export const deployments = resource('apps', 'v1', 'deployments', 'Deployment', true)
export const daemonSets = resource('apps', 'v1', 'daemonsets', 'DaemonSet', true)
export const leases = resource('coordination.k8s.io', 'v1', 'leases', 'Lease', true)
export const events = resource('events.k8s.io', 'v1', 'events', 'Event', true)
export const mutatingWebhookConfigurations = resource(
  'admissionregistration.k8s.io',
  'v1',
  'mutatingwebhookconfigurations',
  'MutatingWebhookConfiguration',
  false,
)
export const validatingWebhookConfigurations = resource(
  'admissionregistration.k8s.io',
  'v1',
  'validatingwebhookconfigurations',
  'ValidatingWebhookConfiguration',
  false,
)
export const customResourceDefinitions = resource(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
  false,
)

export const eips = resource(group, 'v1alpha2', 'eips', 'Eip', false)
export const bgpConfs = resource(group, 'v1alpha2', 'bgpconfs', 'BgpConf', false)
export const bgpPeers = resource(group, 'v1alpha2', 'bgppeers', 'BgpPeer', false)
export const eipAllocations = resource(group, 'v1alpha2', 'eipallocations', 'EipAllocation', false)
export const speakers = resource(group, 'v1alpha2', 'speakers', 'Speaker', false)
export const racks = resource(group, 'v1alpha2', 'racks', 'Rack', false)

/** `v1`, `apps/v1`: the apiVersion of the resource's objects. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`
}

/** Key of an object in stores and queues, as `keyOf` of core/model. */
export function keyOfRef({ namespace, name }: Pick<ObjectRef, 'namespace' | 'name'>): string {
  return keyOf({ namespace: namespace ?? '', name })
}
