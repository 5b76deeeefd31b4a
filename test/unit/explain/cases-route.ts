// Why a Service with an address has no route, or not all of it: each a cluster with one thing wrong.
import type { Case } from './cases-address.ts'
import { type Json, type Objects, condition, named, record, service, slice } from './cluster.ts'

const web = (objects: Objects): Json => named(objects.services, 'web')
const pool = (objects: Objects): Json => named(objects.eips, 'pool')
const speaker = (objects: Objects, name: string): Json => named(objects.speakers, name)['status']

const exception = (reason: string, message: string, more: Json = {}): Json => ({
  address: '172.22.0.10',
  reason,
  message,
  ...more,
})

export const routeCases: readonly Case[] = [
  { name: 'works', reason: undefined, change: () => {} },
  {
    name: 'works-shared-policy-local',
    reason: undefined,
    change: (o) => {
      web(o)['spec'].externalTrafficPolicy = 'Local'
      o.services.push(
        service('dns', '172.22.0.10', { spec: { externalTrafficPolicy: 'Local', selector: { app: 'web' } } }),
      )
      named(o.services, 'dns')['spec'].ports = [{ port: 53, protocol: 'UDP' }]
      const ports = [{ port: 80, protocol: 'TCP' }]
      o.eipallocations = [
        record('172.22.0.10', 'web', {
          spec: {
            services: ['web', 'dns'].map((name) => ({ namespace: 'default', name, claim: `nonce-${name}`, ports })),
          },
        }),
      ]
      o.endpointslices = [slice('web', ['worker2']), slice('dns', ['worker2'])]
    },
  },
  {
    name: 'endpoints-none-ready',
    reason: 'NoReadyEndpoint',
    change: (o) => {
      const conditions = { ready: false, serving: false, terminating: false }
      o.endpointslices = [
        slice('web', [], { endpoints: ['master', 'worker2'].map((nodeName) => ({ nodeName, conditions })) }),
      ]
    },
  },
  { name: 'endpoints-no-slice', reason: 'NoReadyEndpoint', change: (o) => (o.endpointslices = []) },
  {
    name: 'endpoints-no-selector',
    reason: 'NoReadyEndpoint',
    change: (o) => {
      web(o)['spec'].selector = {}
      o.endpointslices = []
    },
  },
  {
    name: 'endpoints-of-the-other-family',
    reason: 'NoReadyEndpoint',
    change: (o) => (o.endpointslices = [slice('web', ['master'], { addressType: 'IPv6' })]),
  },
  {
    name: 'endpoints-ending-still-serve',
    reason: undefined,
    change: (o) => {
      const conditions = { ready: false, serving: true, terminating: true }
      o.endpointslices = [slice('web', [], { endpoints: [{ nodeName: 'worker2', conditions }] })]
    },
  },
  {
    name: 'nodes-local-and-drained',
    reason: 'NoUsableNode',
    change: (o) => {
      web(o)['spec'].externalTrafficPolicy = 'Local'
      o.endpointslices = [slice('web', ['worker2'])]
      named(o.nodes, 'worker2')['metadata'].annotations = { 'bellhop.dev/drain': 'true' }
      speaker(o, 'worker2').state = 'Drained'
    },
  },
  {
    name: 'nodes-none-usable',
    reason: 'NoUsableNode',
    change: (o) => {
      named(o.nodes, 'master')['metadata'].labels['node.kubernetes.io/exclude-from-external-load-balancers'] = ''
      named(o.nodes, 'worker1')['status'].conditions = [{ type: 'Ready', status: 'False' }]
      named(o.nodes, 'worker2')['status'].conditions.push({ type: 'NetworkUnavailable', status: 'True' })
    },
  },
  {
    name: 'pool-left-to-the-cni',
    reason: 'OwnedByCni',
    change: (o) => (pool(o)['metadata'].labels = { 'openelb.kubesphere.io/cni': 'calico' }),
  },
  {
    name: 'pool-layer2',
    reason: 'ProtocolNotAnnounced',
    change: (o) => Object.assign(pool(o)['spec'], { protocol: 'layer2', interface: 'eth0' }),
  },
  {
    name: 'host-route-foreign',
    reason: 'RouteForeign',
    change: (o) => {
      speaker(o, 'worker2').exceptions = [
        exception(
          'RouteForeign',
          "a route for 172.22.0.10 that is not Bellhop's stands where the host route belongs; it is left alone",
        ),
      ]
    },
  },
  {
    name: 'host-route-missing',
    reason: 'RouteMissing',
    change: (o) => (speaker(o, 'master').routes = { wanted: 3, present: 2, repaired: 0 }),
  },
  {
    name: 'another-provider-at-work',
    reason: 'OtherProvider',
    change: (o) => {
      const message =
        'the finalizers on Service web are left alone because another provider is at work as well (it renews Lease openelb-system/openelb-manager): remove it or Bellhop'
      web(o)['status'].conditions.push(condition('bellhop.dev/SoleProvider', 'False', 'OtherProvider', message))
    },
  },
  {
    name: 'advertised-turning',
    reason: undefined,
    change: (o) =>
      (web(o)['status'].conditions[1] = condition(
        'bellhop.dev/Advertised',
        'False',
        'NoSession',
        'no BGP session is established',
      )),
  },
]
