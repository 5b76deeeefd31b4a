// Least privilege at the API server: what the tokens that the programs' Pods have are good for. Every try is a request,
// without lasting effect, answered by RBAC or by a ValidatingAdmissionPolicy of the manifests.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { stringAt } from '../../../src/core/model/field.ts'
import { type Claim, allocationPath, expect } from '../claim.ts'
import { addressOf } from '../route-steps.ts'
import { type Try, expectAllowed, expectForbidden, tokenOf, tryAs } from '../token.ts'

const core = '/api/v1'
const ours = '/apis/network.kubesphere.io/v1alpha2'
const leases = '/apis/coordination.k8s.io/v1/namespaces/bellhop-system/leases'
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const admission = '/apis/admissionregistration.k8s.io/v1'
const services = `${core}/namespaces/default/services`
const echo = `${services}/echo`
const secrets = (namespace: string): string => `${core}/namespaces/${namespace}/secrets`

const labelled = { metadata: { labels: { 'example.com/by': 'a-program' } } }
const get = (path: string): Try => ({ method: 'GET', path })
const remove = (path: string): Try => ({ method: 'DELETE', path })
const patch = (path: string, body: object = labelled): Try => ({ method: 'PATCH', path, body })
const post = (path: string, apiVersion: string, kind: string, name: string, rest: object = {}): Try => ({
  ...{ method: 'POST', path, body: { apiVersion, kind, metadata: { name }, ...rest } },
})
const postOurs = (plural: string, kind: string, name: string, spec: object = {}): Try =>
  post(`${ours}/${plural}`, 'network.kubesphere.io/v1alpha2', kind, name, { spec })
const postLease = (name: string): Try => post(leases, 'coordination.k8s.io/v1', 'Lease', name)
const own = { ports: [{ port: 80 }] }
const postEvent = (namespace: string): Try =>
  post(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`, 'events.k8s.io/v1', 'Event', 'own', {
    ...{ eventTime: '2026-01-01T00:00:00.000000Z', type: 'Normal', reason: 'Claim', action: 'Claim', note: 'a claim' },
    ...{ reportingController: 'bellhop.dev/claim', reportingInstance: 'claim' },
    regarding: { apiVersion: 'v1', kind: 'Node', name: 'worker2', ...(namespace === 'default' ? {} : { namespace }) },
  })

/** What none of the programs has any business with. */
const nobody: readonly Try[] = [
  post(services, 'v1', 'Service', 'own', { spec: own }),
  { ...post(echo, 'v1', 'Service', 'echo', { spec: own }), method: 'PUT' },
  patch(echo, { spec: { sessionAffinity: 'ClientIP' } }),
  ...[remove(echo), remove(services)],
  postOurs('eips', 'Eip', 'own', { address: '198.51.100.0/30' }),
  patch(`${ours}/eips/eip-sample-pool`, { spec: { disable: true } }),
  patch(`${ours}/bgppeers/leaf1`, { spec: { conf: { peerAs: 1 } } }),
  patch(`${ours}/bgpconfs/default`, { spec: { as: 1 } }),
  ...['eips/eip-sample-pool', 'bgppeers/leaf1', 'bgpconfs/default', 'eips', 'bgppeers'].map((each) =>
    remove(`${ours}/${each}`),
  ),
  ...[remove(`${leases}/speaker-master`), remove(leases)],
  patch('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/worker2'),
  ...[patch(`${core}/nodes/worker2`), patch(`${core}/nodes/worker2/status`), patch(`${core}/namespaces/default`)],
  patch('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes'),
  // What would lead to more: Secrets, tokens, Pods, the rules themselves.
  ...[get(`${core}/secrets`), get(secrets('default')), get(secrets('kube-system')), get(secrets('bellhop-system'))],
  post(secrets('bellhop-peers'), 'v1', 'Secret', 'own'),
  remove(`${secrets('bellhop-system')}/bellhop-webhook-tls`),
  post(
    `${core}/namespaces/bellhop-system/serviceaccounts/bellhop-controller/token`,
    ...(['authentication.k8s.io/v1', 'TokenRequest', '', { spec: {} }] as const),
  ),
  ...[get(`${core}/pods`), get(`${core}/configmaps`), post(`${core}/namespaces/default/pods`, 'v1', 'Pod', 'own')],
  patch('/apis/apps/v1/namespaces/bellhop-system/daemonsets/bellhop-speaker'),
  patch('/apis/rbac.authorization.k8s.io/v1/clusterroles/bellhop-speaker'),
  patch(`${admission}/validatingadmissionpolicies/bellhop-speaker-own-objects`),
  remove(`${admission}/mutatingwebhookconfigurations/bellhop`),
  ...[patch(`${definitions}/speakers.network.kubesphere.io`), remove(`${definitions}/eips.network.kubesphere.io`)],
]

export const privileges: readonly Claim[] = [
  {
    name: "OPS-08 the token of a speaker writes its own node's Speaker and Lease; no other's, no Service, no Eip, no record; it reads no Secret but those of peers",
    async run(lab) {
      const record = allocationPath(await addressOf(lab, 'echo'))
      const token = tokenOf(lab, 'speaker', 'worker2')
      const allowed = [
        ...[patch(`${ours}/speakers/worker2/status`, {}), patch(`${leases}/speaker-worker2`, {})],
        ...[get(`${core}/nodes/worker2`), get(`${core}/services`), get(secrets('bellhop-peers'))],
        postEvent('default'),
      ]
      await expectAllowed(lab, token, allowed)
      const forbidden = [
        ...nobody,
        ...[patch(`${ours}/speakers/master/status`, {}), patch(`${ours}/speakers/master`)],
        ...[postOurs('speakers', 'Speaker', 'worker1'), remove(`${ours}/speakers/worker2`), remove(`${ours}/speakers`)],
        ...[patch(`${leases}/speaker-master`, {}), patch(`${leases}/bellhop-controller`, {})],
        ...[postLease('speaker-worker1'), postLease('own')],
        ...[patch(`${echo}/status`), patch(echo)],
        ...['eips/eip-sample-pool', 'bgppeers/leaf1', 'bgpconfs/default', 'racks/leaf1'].map((each) =>
          patch(`${ours}/${each}/status`),
        ),
        ...[get(record), patch(record), patch(`${record}/status`), remove(record)],
        postOurs('eipallocations', 'EipAllocation', '198.51.100.1'),
        patch(`${ours}/racks/leaf1`),
        get(`${secrets('bellhop-system')}/bellhop-webhook-tls`),
        postEvent('kube-system'),
      ]
      await expectForbidden(lab, token, forbidden)
      // The same ServiceAccount, on no node: as somebody would make it who may make tokens.
      const path = `${core}/namespaces/bellhop-system/serviceaccounts/bellhop-speaker/token`
      const made = await lab.request('POST', path, { spec: { expirationSeconds: 600 } })
      const nowhere = stringAt(made, 'status', 'token') ?? ''
      const own = patch(`${ours}/speakers/worker2/status`, {})
      const { status, message } = await tryAs(lab, nowhere, own)
      expect(status === 403 && message.includes('bound to a node'), `without a node: ${status} ${message}`)
      return `${allowed.length} allowed, ${forbidden.length} forbidden; bound to no node: ${message}`
    },
  },
  {
    name: "OPS-09 the token of the controller writes statuses, records and racks; of a Service neither spec nor what is another's, no Eip's spec, no Speaker's Lease, no Secret",
    async run(lab) {
      const token = tokenOf(lab, 'controller')
      const allowed = [
        ...[patch(`${echo}/status`, {}), patch(echo, {}), patch(`${ours}/eips/eip-sample-pool/status`, {})],
        ...[patch(`${ours}/speakers/worker2/status`, {}), patch(`${ours}/racks/leaf1/status`, {}), get(leases)],
        ...[get(`${leases}/bellhop-controller`), postEvent('kube-system')],
      ]
      await expectAllowed(lab, token, allowed)
      const finalizers = { metadata: { finalizers: ['example.com/of-the-controller'] } }
      const owner = { apiVersion: 'v1', kind: 'Node', name: 'worker2', uid: '00000000-0000-0000-0000-000000000000' }
      const forbidden = [
        ...nobody,
        ...[patch(echo), patch(echo, finalizers), patch(echo, { metadata: { ownerReferences: [owner] } })],
        patch(echo, { metadata: { annotations: { 'example.com/by': 'a-program' } } }),
        // A Service that is not ours; through its status.
        patch(`${services}/kubernetes/status`, finalizers),
        ...[patch(`${ours}/eips/eip-sample-pool`), patch(`${ours}/bgppeers/leaf1`)],
        ...[patch(`${leases}/speaker-worker2`, {}), remove(`${leases}/bellhop-controller`)],
        ...[postOurs('speakers', 'Speaker', 'own'), patch(`${ours}/speakers/worker2`), patch(`${ours}/racks/leaf1`)],
        ...[get(secrets('bellhop-peers')), get(`${secrets('bellhop-system')}/bellhop-webhook-tls`)],
        ...[patch(`${admission}/mutatingwebhookconfigurations/bellhop`), get(definitions)],
        patch(`${definitions}/eips.network.kubesphere.io`),
      ]
      await expectForbidden(lab, token, forbidden)
      return `${allowed.length} allowed, ${forbidden.length} forbidden`
    },
  },
  {
    name: 'the token of the webhook claims addresses and keeps its certificate; it changes no record and no Service, and reads no Service but the one of the API server, no Secret but its own',
    async run(lab) {
      const record = allocationPath(await addressOf(lab, 'echo'))
      const token = tokenOf(lab, 'webhook')
      const allowed = [
        ...[get(`${secrets('bellhop-system')}/bellhop-webhook-tls`), get(`${ours}/eipallocations`), get(record)],
        ...[get(`${services}?fieldSelector=metadata.name%3Dkubernetes`), get(`${ours}/eips`)],
        patch(`${admission}/mutatingwebhookconfigurations/bellhop`, {}),
        patch(`${definitions}/eips.network.kubesphere.io`, {}),
      ]
      await expectAllowed(lab, token, allowed)
      const forbidden = [
        ...nobody,
        ...[get(`${core}/services`), get(services), get(echo), patch(echo), patch(`${echo}/status`)],
        ...[patch(record), patch(`${record}/status`), remove(`${ours}/eipallocations`)],
        ...['eips/eip-sample-pool', 'bgppeers/leaf1', 'speakers/worker2', 'racks/leaf1'].map((each) =>
          patch(`${ours}/${each}/status`),
        ),
        ...[get(`${ours}/speakers`), get(`${ours}/racks`), postOurs('speakers', 'Speaker', 'worker2')],
        ...[get(leases), postLease('own'), patch(`${leases}/bellhop-controller`), patch(`${leases}/speaker-worker2`)],
        ...[get(secrets('bellhop-peers')), get(`${secrets('bellhop-system')}/own`)],
        patch(`${admission}/mutatingwebhookconfigurations/own`),
        post(
          `${admission}/mutatingwebhookconfigurations`,
          'admissionregistration.k8s.io/v1',
          'MutatingWebhookConfiguration',
          'own',
        ),
        patch(`${definitions}/racks.network.kubesphere.io`),
      ]
      await expectForbidden(lab, token, forbidden)
      return `${allowed.length} allowed, ${forbidden.length} forbidden`
    },
  },
]

/** To be shown after all others: what the programs did for them, their roles allowed. */
export const noRefusals: Claim = {
  name: 'no program was refused anything by the API server: its role grants all that it does',
  run(lab) {
    const files = readdirSync(lab.files.logs).filter((file) => /^(webhook|controller|speaker)@/.test(file))
    const lines = files.flatMap((file) => readFileSync(join(lab.files.logs, file), 'utf8').split('\n'))
    // In the words of RBAC and of a ValidatingAdmissionPolicy; a namespace that ends and a quota refuse in others.
    const refused = lines.filter((line) => /cannot \w+ resource|denied request/.test(line))
    expect(refused.length === 0, `${refused.length} times, first: ${refused[0]}`)
    expect(files.length >= 6, `only ${files.length} logs were found: ${files.join()}`)
    return Promise.resolve(`${lines.length} lines of ${files.length} logs`)
  },
}
