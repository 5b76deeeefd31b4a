// The manifests as files: that they can be read, hang together, and grant no more than they should. What the API server
// makes of them is tested with a real one.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { readConfig as readControllerConfig } from '../../../controller/config.ts'
import { kinds } from '../../../src/core/api/index.ts'
import {
  addressAnnotation,
  claimAnnotation,
  forceDeleteAnnotation,
  loadBalancerClasses,
  listAt,
  objectAt,
  optInAnnotation,
  poolAnnotation,
  poolLabel,
  protocolAnnotation,
  sharingKeyAnnotation,
  stringAt,
  stringsAt,
} from '../../../src/core/model/index.ts'
import { readConfig as readWebhookConfig } from '../../../webhook/config.ts'
import { strict } from '../api/strict.ts'

interface Manifest {
  readonly file: string
  readonly kind: string
  readonly name: string
  readonly object: unknown
}

const root = join(import.meta.dirname, '../../..')
const files = globSync('manifests/**/*.yaml', { cwd: root }).toSorted()

function documentsOf(file: string): readonly unknown[] {
  return parseAllDocuments(readFileSync(join(root, file), 'utf8')).map((document) => {
    assert.deepEqual(document.errors, [], `${file} can be read`)
    return document.toJS() as unknown
  })
}

const manifests: readonly Manifest[] = files.flatMap((file) =>
  documentsOf(file).map((object) => ({
    file,
    kind: stringAt(object, 'kind') ?? '',
    name: stringAt(object, 'metadata', 'name') ?? '',
    object,
  })),
)

function only(kind: string, name: string): unknown {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.name === name)
  assert.equal(found.length, 1, `there is one ${kind} ${name}`)
  return found[0]?.object
}

function podOf(kind: string, name: string): unknown {
  return objectAt(only(kind, name), 'spec', 'template', 'spec')
}

void test('every file is named by the kustomization of its folder, and every name is a file or a folder', () => {
  for (const folder of new Set(files.map(dirname))) {
    const resources = stringsAt(documentsOf(`${folder}/kustomization.yaml`)[0], 'resources')
    for (const resource of resources)
      assert.ok(existsSync(join(root, folder, resource)), `${folder}/${resource} exists`)
    for (const file of files) {
      if (dirname(file) !== folder || file.endsWith('/kustomization.yaml')) continue
      assert.ok(resources.includes(file.slice(folder.length + 1)), `${folder}/kustomization.yaml names ${file}`)
    }
  }
})

void test('webhook configurations never stand in the way of a cluster, and carry no CA bundle', () => {
  for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
    for (const webhook of listAt(only(kind, 'bellhop'), 'webhooks')) {
      const { failurePolicy, timeoutSeconds, admissionReviewVersions, clientConfig } = objectAt(webhook)
      assert.equal(failurePolicy, 'Ignore')
      assert.equal(timeoutSeconds, 3)
      assert.deepEqual(admissionReviewVersions, ['v1'])
      assert.deepEqual(Object.keys(clientConfig as object), ['service'])
    }
  }
})

void test('the conditions of webhooks and policies speak of the same names as the code', () => {
  const validating = listAt(only('ValidatingWebhookConfiguration', 'bellhop'), 'webhooks')
  const update = JSON.stringify(
    validating.find((webhook) => stringAt(webhook, 'name') === 'update.services.bellhop.dev'),
  )
  const policy = JSON.stringify(only('ValidatingAdmissionPolicy', 'bellhop-controller-services'))
  const ours = [...addressAnnotation, ...poolAnnotation, ...protocolAnnotation, optInAnnotation, claimAnnotation]
  for (const name of [...ours, sharingKeyAnnotation]) {
    assert.ok(update.includes(`'${name}'`), `update.services.bellhop.dev looks at ${name}`)
  }
  for (const name of ours) assert.ok(policy.includes(`'${name}'`), `the controller may write ${name}`)
  for (const webhook of listAt(only('MutatingWebhookConfiguration', 'bellhop'), 'webhooks')) {
    for (const name of loadBalancerClasses) assert.ok(JSON.stringify(webhook).includes(`'${name}'`), `class ${name}`)
  }
  const keep = JSON.stringify(listAt(only('MutatingWebhookConfiguration', 'bellhop'), 'webhooks')[1])
  for (const name of [poolLabel, claimAnnotation]) assert.ok(keep.includes(`'${name}'`), `keep looks at ${name}`)
  const deletion = JSON.stringify(only('ValidatingAdmissionPolicy', 'bellhop-eip-in-use'))
  assert.ok(deletion.includes(forceDeleteAnnotation))
})

void test('no permission is for everything, nobody replaces Services, Secrets are read in our namespaces only', () => {
  for (const { kind, name, object } of manifests) {
    if (kind !== 'Role' && kind !== 'ClusterRole') continue
    for (const rule of listAt(object, 'rules')) {
      const verbs = stringsAt(rule, 'verbs')
      const resources = stringsAt(rule, 'resources')
      for (const list of [verbs, resources, stringsAt(rule, 'apiGroups')]) {
        assert.ok(!list.includes('*'), `${kind} ${name} has no wildcard`)
      }
      assert.ok(!resources.some((resource) => resource.endsWith('/finalizers')), `${kind} ${name}: no finalizers`)
      if (resources.includes('secrets')) assert.equal(kind, 'Role', `${name} reads no Secret of the whole cluster`)
      if (resources.some((resource) => resource.startsWith('services'))) {
        assert.ok(!verbs.includes('update') && !verbs.includes('delete'), `${kind} ${name} cannot replace Services`)
      }
    }
  }
})

void test('what each program may write: nothing is granted that its code does not use', () => {
  const writes = (component: string): readonly string[] =>
    manifests
      .filter(({ kind, name }) => (kind === 'Role' || kind === 'ClusterRole') && name === `bellhop-${component}`)
      .flatMap(({ object }) => listAt(object, 'rules'))
      .flatMap((rule) => {
        const named = stringsAt(rule, 'resourceNames').length > 0 ? ' by name' : ''
        const verbs = stringsAt(rule, 'verbs').filter((verb) => !['get', 'list', 'watch'].includes(verb))
        return verbs.length === 0
          ? []
          : stringsAt(rule, 'resources').map((resource) => `${resource}${named}: ${verbs.join(' ')}`)
      })
      .toSorted()
  assert.deepEqual(writes('speaker'), [
    'events: create patch',
    'leases: create patch',
    'speakers/status: patch',
    'speakers: create',
  ])
  assert.deepEqual(writes('webhook'), [
    'customresourcedefinitions by name: patch',
    'eipallocations: create delete',
    'mutatingwebhookconfigurations by name: patch',
    'secrets by name: patch',
    'secrets: create',
    'validatingwebhookconfigurations by name: patch',
  ])
  assert.deepEqual(writes('controller'), [
    'bgpconfs/status: patch',
    'bgpconfs: patch',
    'bgppeers/status: patch',
    'bgppeers: patch',
    'customresourcedefinitions/status by name: patch',
    'eipallocations/status: patch',
    'eipallocations: create patch delete',
    'eips/status: patch',
    'eips: patch',
    'events: create patch',
    'leases by name: update',
    'leases: create',
    'racks/status: patch',
    'racks: create delete',
    'services/status: patch',
    'services: patch',
    'speakers/status: patch',
    'speakers: delete',
  ])
})

void test('every policy is bound, and fails closed', () => {
  const policies = manifests.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy')
  assert.ok(policies.length > 0)
  for (const { name, object } of policies) {
    assert.equal(stringAt(object, 'spec', 'failurePolicy'), 'Fail', name)
    const binding = only('ValidatingAdmissionPolicyBinding', name)
    assert.equal(stringAt(binding, 'spec', 'policyName'), name)
    assert.deepEqual(stringsAt(binding, 'spec', 'validationActions'), ['Deny'])
  }
})

void test('webhook and controller keep to the restricted level of Pod Security', () => {
  for (const name of ['bellhop-webhook', 'bellhop-controller']) {
    const pod = podOf('Deployment', name)
    assert.equal(objectAt(pod)['hostNetwork'], undefined)
    assert.equal(objectAt(pod, 'securityContext')['runAsNonRoot'], true)
    assert.equal(stringAt(pod, 'securityContext', 'seccompProfile', 'type'), 'RuntimeDefault')
    for (const container of listAt(pod, 'containers')) {
      const context = objectAt(container, 'securityContext')
      assert.equal(context['allowPrivilegeEscalation'], false)
      assert.equal(context['readOnlyRootFilesystem'], true)
      assert.deepEqual(context['capabilities'], { drop: ['ALL'] })
    }
  }
})

void test('the speaker has two capabilities and no more', () => {
  const pod = podOf('DaemonSet', 'bellhop-speaker')
  for (const container of listAt(pod, 'containers')) {
    const context = objectAt(container, 'securityContext')
    assert.equal(context['allowPrivilegeEscalation'], false)
    assert.equal(context['privileged'], undefined)
    assert.deepEqual(context['capabilities'], { drop: ['ALL'], add: ['NET_ADMIN', 'NET_BIND_SERVICE'] })
  }
})

void test('webhook and controller understand the arguments that their manifests give them', () => {
  const argvOf = (name: string): readonly string[] => [
    'node',
    'main.ts',
    ...listAt(podOf('Deployment', name), 'containers').flatMap((container) => stringsAt(container, 'args')),
  ]
  const webhook = readWebhookConfig(argvOf('bellhop-webhook'))
  assert.deepEqual(webhook.listen, { host: '0.0.0.0', port: 9443 })
  assert.equal(webhook.namespace, 'bellhop-system')
  const controller = readControllerConfig(argvOf('bellhop-controller'))
  assert.deepEqual(controller.metricsListen, { host: '0.0.0.0', port: 9081 })
  assert.equal(controller.namespace, 'bellhop-system')
})

void test('samples have no field that the kinds do not know', () => {
  let checked = 0
  for (const { file, kind, object } of manifests) {
    const spec = kinds.find((candidate) => candidate.kind === kind)?.versions[0]?.spec
    if (!file.startsWith('manifests/samples/') || spec === undefined) continue
    const given = objectAt(object, 'spec')
    assert.deepEqual(strict(spec).parse(given), given, file)
    checked++
  }
  assert.equal(checked, 4)
})
