import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { addUninstall } from '../../../cli/uninstall.ts'
import { definitionName, definitions, policies, remains } from '../../../cli/uninstall-kinds.ts'
import type { KubeObject, Resource } from '../../../src/io/kube/index.ts'
import * as kinds from '../../../src/io/kube/resources.ts'
import type { FakeApiServer } from '../../scenario/kube/fake-api-server.ts'
import { labObjects, poolKey, serviceObjects, speakerObject } from '../simulate/lab.ts'
import { type Said, run, serve } from './stage.ts'

const ours = { 'app.kubernetes.io/name': 'bellhop' }
const drainKey = 'bellhop.dev/drain'
let server: FakeApiServer

interface StageFields {
  readonly labelled?: boolean
  readonly listens?: boolean
}

/** The lab with all that an installation is made of, and what follows from a write there. */
async function stage({ labelled = true, listens = true }: StageFields = {}): Promise<void> {
  server = await serve(labObjects([serviceObjects('web', '172.22.0.1')]))
  const put = (resource: Resource, name: string, namespace?: string, more: object = {}): void => {
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), labels: ours, ...more }
    server.put(resource, { metadata })
  }
  const [cluster, system] = [undefined, 'bellhop-system']
  put(kinds.mutatingWebhookConfigurations, 'bellhop', cluster)
  put(kinds.validatingWebhookConfigurations, 'bellhop', cluster)
  for (const resource of policies) put(resource, 'bellhop-eip-in-use', cluster)
  put(kinds.daemonSets, 'bellhop-speaker', system)
  put(kinds.deployments, 'bellhop-controller', system)
  put(kinds.deployments, 'bellhop-webhook', system)
  for (const resource of remains) put(resource, 'bellhop-part', resource.namespaced ? system : undefined)
  put(remains[3] as Resource, 'bellhop-part', 'monitoring')
  put(remains[3] as Resource, 'somebody-elses', 'monitoring')
  for (const plural of ['eips', 'bgpconfs', 'bgppeers', 'eipallocations', 'speakers', 'racks']) {
    put(definitions, definitionName(plural))
  }
  put(kinds.namespaces, system, cluster, labelled ? {} : { labels: {} })
  put(kinds.namespaces, 'bellhop-peers', cluster)
  const pod = (name: string, nodeName: string, component: string): void => {
    const labels = { ...ours, 'app.kubernetes.io/component': component }
    server.put(kinds.pods, { metadata: { name, namespace: system, labels }, spec: { nodeName } })
  }
  pod('speaker-a', 'master', 'speaker')
  pod('speaker-b', 'worker2', 'speaker')
  pod('controller-a', 'worker1', 'controller')
  server.store.onChange(({ collection, key, after }) => {
    if (!listens) return
    if (collection === '/nodes' && after?.metadata.annotations?.[drainKey] === 'true') {
      server.put(kinds.speakers, speakerObject(key, [], { state: 'Drained' }) as KubeObject)
    }
    if (after !== undefined) return
    if (collection === 'apps/daemonsets')
      for (const name of ['a', 'b']) server.remove(kinds.pods, `${system}/speaker-${name}`)
    if (collection === 'apps/deployments') server.remove(kinds.pods, `${system}/controller-a`)
    // A definition takes its objects with it, a namespace what is in it.
    if (key.endsWith('.network.kubesphere.io')) {
      const plural = key.split('.', 1)[0] ?? ''
      for (const name of ['pool', 'default', 'leaf1', 'leaf2', 'master', 'worker2', '172.22.0.1']) {
        server.store.put(`network.kubesphere.io/${plural}`, name, undefined)
      }
    }
    if (collection === '/namespaces') {
      for (const resource of remains) server.remove(resource, `${key}/bellhop-part`)
      server.remove(kinds.leases, `${key}/speaker-master`)
    }
  })
}

afterEach(() => server.close())

function uninstall(...args: readonly string[]): Promise<Said> {
  return run(
    server,
    (program, cli) => {
      program.option('--system-namespace <name>', '', 'bellhop-system')
      addUninstall(program, cli)
    },
    ['uninstall', ...args],
  )
}

const plan = `Out of the cluster at SERVER, in this order:
 1. delete MutatingWebhookConfiguration bellhop, ValidatingWebhookConfiguration bellhop: no create waits for a webhook that is gone
 2. have the speakers on master, worker2 withdraw every address, close their sessions and remove their host routes; delete DaemonSet bellhop-speaker
 3. end the programs: delete Deployment bellhop-controller, Deployment bellhop-webhook
 4. delete ValidatingAdmissionPolicyBinding bellhop-eip-in-use, ValidatingAdmissionPolicy bellhop-eip-in-use
 5. delete the definitions bgpconfs, bgppeers, eipallocations, eips, racks, speakers with their objects (1 bgpconfs, 2 bgppeers, 1 eipallocations, 1 eips, 2 speakers)
 6. delete PodDisruptionBudget bellhop-part, ClusterRoleBinding bellhop-part, ClusterRole bellhop-part, PriorityClass bellhop-part
 7. delete the namespaces bellhop-peers, bellhop-system with all that is in them

1 Service with an address: routers lose the way to it, status.loadBalancer keeps it, and an installation with the same pools takes it up again. --clear-services takes it out.
The pools, the peers and their passwords are deleted for good; --keep-crds keeps them.

Nothing was done. With --yes it is.
`

void test('uninstall says what it would do, and does nothing', async () => {
  await stage()
  for (const args of [[], ['--yes', '--dry-run']]) {
    const { out, status } = await uninstall(...args)
    assert.equal(out.replace(/http:\S+(?=,)/, 'SERVER'), plan)
    assert.equal(status, 0)
  }
  assert.deepEqual(
    server.requests.filter(({ method }) => method !== 'GET'),
    [],
  )
})

void test('uninstall --yes: in the order of the plan, until nothing is left; a second time there is nothing', async () => {
  await stage()
  const { out, err, status } = await uninstall('--yes')
  assert.deepEqual([err, status], ['', 0])
  assert.match(out, /Bellhop is gone\.\n$/)
  const writes = server.requests
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path.split('/').slice(-2).join('/')}`)
  const at = (write: string): number => {
    const found = writes.indexOf(write)
    assert.ok(found >= 0, `${write} is not among ${writes.join(', ')}`)
    return found
  }
  const order = [
    'DELETE mutatingwebhookconfigurations/bellhop',
    'PATCH nodes/master',
    'DELETE daemonsets/bellhop-speaker',
    'DELETE deployments/bellhop-controller',
    'DELETE validatingadmissionpolicies/bellhop-eip-in-use',
    'DELETE customresourcedefinitions/eips.network.kubesphere.io',
    'DELETE clusterroles/bellhop-part',
    'DELETE namespaces/bellhop-system',
  ]
  assert.deepEqual(
    order.map(at),
    order.map(at).toSorted((a, b) => a - b),
  )
  // The nodes are as they were, and what is somebody else's too.
  const annotations = (node: string) => Object.keys(server.get(kinds.nodes, node)?.metadata.annotations ?? {})
  assert.deepEqual([annotations('master'), annotations('worker2')], [[], []])
  assert.ok(server.get(remains[3] as Resource, 'monitoring/somebody-elses') !== undefined)
  assert.equal(server.get(remains[3] as Resource, 'monitoring/bellhop-part'), undefined)
  assert.ok(server.get(kinds.services, 'default/web') !== undefined)
  const again = await uninstall('--yes')
  assert.match(again.out, /^There is no Bellhop in the cluster/)
  assert.equal(again.status, 0)
})

void test('uninstall --keep-crds --clear-services: pools, records and passwords stay, the Services have no address', async () => {
  await stage()
  const { out, status } = await uninstall('--yes', '--keep-crds', '--clear-services')
  assert.match(out, /its definitions and their objects are kept\.\n$/)
  assert.equal(status, 0)
  assert.ok(server.get(definitions, definitionName('eips')) !== undefined)
  assert.ok(server.get(kinds.eips, 'pool') !== undefined)
  assert.ok(server.get(kinds.namespaces, 'bellhop-peers') !== undefined)
  assert.equal(server.get(kinds.namespaces, 'bellhop-system'), undefined)
  const web = server.get(kinds.services, 'default/web')
  assert.deepEqual(web?.metadata.labels, {})
  assert.deepEqual(Object.keys(web?.metadata.annotations ?? {}), ['lb.kubesphere.io/v1alpha1', poolKey])
  assert.deepEqual(web?.['status'], { loadBalancer: {}, conditions: [] })
})

void test('uninstall beside a running OpenELB leaves what the two share', async () => {
  await stage()
  server.put(kinds.leases, {
    metadata: { name: 'openelb-controller', namespace: 'openelb-system' },
    spec: { holderIdentity: 'x', renewTime: '2026-01-01T00:01:00Z' },
  })
  const { out } = await uninstall()
  assert.match(out, /delete the definitions eipallocations, racks, speakers with/)
  assert.match(out, /Lease openelb-system\/openelb-controller is being renewed.*so eips, bgpconfs, bgppeers stay/)
  // One that was renewed long before the others' last renewals is dead.
  server.put(kinds.leases, {
    metadata: { name: 'openelb-controller', namespace: 'openelb-system' },
    spec: { holderIdentity: 'x', renewTime: '2025-12-31T00:00:00Z' },
  })
  assert.match((await uninstall()).out, /delete the definitions bgpconfs/)
})

void test('finalizers that OpenELB left are taken away: the definition would never go', async () => {
  await stage()
  const finalizers = ['finalizer.ipam.kubesphere.io/v1alpha1', 'example.com/kept']
  server.put(kinds.eips, { metadata: { name: 'pool', finalizers } })
  const { out } = await uninstall('--yes', '--keep-crds')
  assert.match(out, /remove the finalizers that OpenELB left on 1 object/)
  assert.deepEqual(server.get(kinds.eips, 'pool')?.metadata.finalizers, ['example.com/kept'])
})

void test('a namespace without our label stays, and only what is ours goes from it', async () => {
  await stage({ labelled: false })
  const { out } = await uninstall()
  assert.match(out, /delete the namespaces bellhop-peers with all/)
  assert.match(out, /Namespace bellhop-system does not carry our label, so it stays/)
  assert.match(out, / 6\. delete .*2 Leases, Secret bellhop-webhook-tls/)
  await uninstall('--yes')
  assert.ok(server.get(kinds.namespaces, 'bellhop-system') !== undefined)
  assert.equal(server.get(kinds.leases, 'bellhop-system/speaker-master'), undefined)
})

void test('speakers that do not answer: said, gone on with, exit status 1', async () => {
  await stage({ listens: false })
  const { err, status } = await uninstall('--yes', '--timeout', '1')
  assert.match(err, /^Not every speaker has said that it is drained: routers keep its routes until its session ends\./)
  assert.match(err, /Something is left\. The same command again takes up where this one ended\.\n$/)
  assert.equal(status, 1)
  assert.deepEqual(Object.keys(server.get(kinds.nodes, 'master')?.metadata.annotations ?? {}), [])
})
