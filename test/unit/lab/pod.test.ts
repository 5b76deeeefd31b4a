import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { KubeObject } from '../../../src/io/kube/index.ts'
import { confine, expand, resolveCommand, resolveEnvironment } from '../../lab/pod-command.ts'
import { type SchedulableNode, chooseNode, readPod } from '../../lab/pod.ts'

const paths = { node: '/opt/node', repository: '/src', programs: '/app', rootMayRead: true }

function podObject(spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'default', uid: 'u1', ...metadata },
    spec: { containers: [{ name: 'c', image: 'bellhop/speaker' }], ...spec },
  }
}

function node(name: string, more: Partial<SchedulableNode> = {}): SchedulableNode {
  return { name, labels: { 'kubernetes.io/hostname': name }, unschedulable: false, taints: [], ...more }
}

test('a Pod goes where the fewest Pods of its owner are, then where the fewest are at all', () => {
  const pod = readPod(podObject({}))
  const nodes = [node('a'), node('b'), node('c')]
  assert.equal(chooseNode(pod, nodes, []), 'a')
  assert.equal(chooseNode(pod, nodes, [{ node: 'a', owner: 'other' }]), 'b')
  const placed = [
    { node: 'a', owner: 'u1' },
    { node: 'b', owner: 'other' },
    { node: 'b', owner: 'other' },
    { node: 'c', owner: 'other' },
    { node: 'c', owner: 'u1' },
  ]
  assert.equal(chooseNode(pod, nodes, placed), 'b')
})

test('a Pod goes nowhere but where selector, DaemonSet, taints and cordon let it', () => {
  const nodes = [node('a', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }), node('b')]
  assert.equal(chooseNode(readPod(podObject({})), nodes, []), 'b')
  assert.equal(chooseNode(readPod(podObject({ tolerations: [{ operator: 'Exists' }] })), nodes, []), 'a')
  assert.equal(chooseNode(readPod(podObject({ tolerations: [{ key: 'k', value: 'v' }] })), nodes, []), 'a')
  assert.equal(chooseNode(readPod(podObject({ tolerations: [{ key: 'k', value: 'w' }] })), nodes, []), 'b')
  const selector = { 'kubernetes.io/hostname': 'a' }
  assert.equal(chooseNode(readPod(podObject({ nodeSelector: selector })), nodes, []), undefined)
  assert.equal(chooseNode(readPod(podObject({})), [node('b', { unschedulable: true })], []), undefined)
  const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }
  const affinity = {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } },
  }
  assert.equal(chooseNode(readPod(podObject({ affinity })), [node('a'), node('b')], []), 'b')
})

test('$(NAME) is replaced, $$(NAME) escaped, an unknown name left', () => {
  assert.equal(expand('--ip=$(IP):1 $$(IP) $(NO)', { IP: '192.0.2.1' }), '--ip=192.0.2.1:1 $(IP) $(NO)')
})

test('environment comes from values and from fields of the Pod; an unknown field is an error that names it', () => {
  const env = [
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'URL', value: 'http://$(NODE)' },
  ]
  const { container } = readPod(podObject({ containers: [{ name: 'c', image: 'bellhop/webhook', env }] }))
  assert.deepEqual(resolveEnvironment(container, { HOME: '/' }, { 'spec.nodeName': 'master' }), {
    HOME: '/',
    NODE: 'master',
    URL: 'http://master',
  })
  assert.throws(() => resolveEnvironment(container, {}, {}), /spec\.nodeName/)
})

test('an image stands for a program of the repository, whatever its registry and tag', () => {
  const command = (image: string, more: Record<string, unknown> = {}): readonly string[] =>
    resolveCommand(readPod(podObject({ containers: [{ name: 'c', image, ...more }] })).container, { N: 'x' }, paths)
      .argv
  const speaker = ['/opt/node', '/app/speaker/main.js']
  assert.deepEqual(command('bellhop/speaker', { args: ['--node=$(N)'] }), [...speaker, '--node=x'])
  assert.deepEqual(command('registry.example:5000/bellhop/speaker:v1@sha256:00'), speaker)
  assert.deepEqual(command('bellhop/speaker', { command: ['node', 'speaker/main.js'] }), [
    '/opt/node',
    'speaker/main.js',
  ])
  const { program } = resolveCommand(
    readPod(
      podObject({ containers: [{ name: 'c', image: 'bellhop/control:1', command: ['node', 'webhook/main.js'] }] }),
    ).container,
    {},
    paths,
  )
  assert.equal(program, 'webhook')
  assert.deepEqual(command('lab/http-echo'), ['/opt/node', '/src/test/lab/http-echo.ts'])
  assert.throws(() => command('nginx:latest'), /no image nginx:latest/)
})

test('a program keeps the capabilities that its securityContext leaves it, and no others', () => {
  const confined = (
    container: Record<string, unknown>,
    pod: Record<string, unknown> = {},
    rootMayRead = false,
  ): string =>
    confine(
      readPod(podObject({ containers: [{ name: 'c', image: 'i', securityContext: container }], securityContext: pod }))
        .container.confinement,
      ['run'],
      rootMayRead,
    ).join(' ')
  const drop = { drop: ['ALL'] }
  const root = { runAsUser: 0, capabilities: { ...drop, add: ['NET_ADMIN'] } }
  assert.match(confined(root, {}, true), /--bounding-set=-all,\+net_admin --inh-caps=-all,\+net_admin -- run$/)
  assert.match(
    confined({ runAsUser: 0, allowPrivilegeEscalation: false, capabilities: { ...drop, add: ['NET_ADMIN'] } }),
    /--reuid=0 .*--bounding-set=-all,\+net_admin,\+dac_read_search .*--no-new-privs -- run$/,
  )
  const user = confined({ capabilities: { ...drop, add: ['NET_ADMIN'] } }, { runAsNonRoot: true })
  assert.match(user, /--reuid=65532 --regid=65532/)
  assert.match(user, /--ambient-caps=-all,\+dac_read_search/)
  assert.doesNotMatch(user, /ambient-caps=\S*net_admin/)
  assert.equal(confined({ privileged: true }), 'run')
  assert.match(confined({}), /\+net_raw/)
})

test('probes name ports by number or by name; deletion carries its grace period', () => {
  const containers = [
    {
      name: 'c',
      image: 'i',
      ports: [{ name: 'metrics', containerPort: 9080 }],
      readinessProbe: { httpGet: { path: '/readyz', port: 'metrics' }, periodSeconds: 2 },
      livenessProbe: { httpGet: { port: 81, scheme: 'HTTPS' } },
    },
  ]
  const pod = readPod(podObject({ containers }, { deletionTimestamp: 'now', deletionGracePeriodSeconds: 5 }))
  assert.equal(pod.deletionGraceMs, 5000)
  assert.deepEqual(pod.container.readiness, {
    scheme: 'HTTP',
    port: 9080,
    path: '/readyz',
    periodMs: 2000,
    timeoutMs: 1000,
    failureThreshold: 3,
    initialDelayMs: 0,
  })
  assert.equal(pod.container.liveness?.port, 81)
  assert.equal(pod.container.liveness?.scheme, 'HTTPS')
})

test('a Pod of several containers is not run as if it had one', () => {
  const two = [
    { name: 'a', image: 'i' },
    { name: 'b', image: 'i' },
  ]
  assert.match(readPod(podObject({ containers: two })).unsupported ?? '', /one container/)
})
