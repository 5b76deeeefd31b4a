// The Helm chart and the overlays: one installation, told twice. Rendered by helm and kustomize themselves.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { parse } from 'yaml'

import packageJson from '../../package.json' with { type: 'json' }
import { listAt, numberAt, objectAt, stringAt, stringsAt } from '../../src/core/model/index.ts'
import { findInstallTools } from './build.ts'
import {
  type KubeManifest,
  type Rendered,
  type Values,
  chart,
  readObjects,
  renderChart,
  renderChartText,
  renderOverlay,
  run,
} from './render.ts'

before(async () => {
  await findInstallTools()
})

const onlyOfHelm = ['helm.sh/chart', 'app.kubernetes.io/managed-by']
/** What kustomize gives to the base alone: `manifests/monitoring` is applied to whatever is installed already. */
const onlyOfBase = ['instance', 'part-of', 'version'].map((name) => `app.kubernetes.io/${name}`)
const monitoringKinds = ['PodMonitor', 'PrometheusRule', 'ConfigMap']
const kept = { 'helm.sh/resource-policy': 'keep' }

/**
 * The object without what tells helm and kustomize apart: who manages it, which chart it came from, and that Helm keeps
 * definitions and the namespace of passwords. Nothing else.
 */
function withoutMarks(object: KubeManifest): unknown {
  const { labels = {}, annotations, ...metadata } = object.metadata
  const marks = monitoringKinds.includes(object.kind) ? [...onlyOfHelm, ...onlyOfBase] : onlyOfHelm
  const others = Object.entries(labels).filter(([key]) => !marks.includes(key))
  const isKept = object.kind === 'CustomResourceDefinition' || object.metadata.name === 'bellhop-peers'
  if (isKept && annotations !== undefined) assert.deepEqual(annotations, kept)
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: Object.fromEntries(others),
      ...(isKept || annotations === undefined ? {} : { annotations }),
    },
  }
}

function assertSame(overlay: Rendered, rendered: Rendered): void {
  const wanted = new Map(overlay)
  // `helm install --create-namespace` makes it, or it is there.
  wanted.delete('Namespace bellhop-system')
  assert.deepEqual([...rendered.keys()].toSorted(), [...wanted.keys()].toSorted())
  for (const [key, object] of wanted) {
    const other = rendered.get(key)
    assert.ok(other !== undefined)
    assert.deepEqual(withoutMarks(other), withoutMarks(object), key)
  }
}

function get(rendered: Rendered, key: string): KubeManifest {
  const object = rendered.get(key)
  assert.ok(object !== undefined, `${key} is rendered`)
  return object
}

const programs = ['webhook', 'controller', 'speaker'] as const
const keyOf = (program: (typeof programs)[number]): string =>
  `${program === 'speaker' ? 'DaemonSet' : 'Deployment'} bellhop-system/bellhop-${program}`
const podOf = (rendered: Rendered, program: (typeof programs)[number]): Readonly<Record<string, unknown>> =>
  objectAt(get(rendered, keyOf(program)), 'spec', 'template', 'spec')
const containerOf = (rendered: Rendered, program: (typeof programs)[number]): unknown =>
  listAt(podOf(rendered, program), 'containers')[0]

const sameAs: Readonly<Record<string, Values>> = {
  default: {},
  labelled: { speaker: { nodeSelector: { 'lb.kubesphere.io/v1alpha1': 'openelb' } } },
  'single-node': {
    webhook: { replicas: 1, spread: false },
    controller: { replicas: 1, spread: false },
    podDisruptionBudget: { enabled: false },
  },
  prometheus: { monitoring: { enabled: true } },
}
for (const [overlay, values] of Object.entries(sameAs)) {
  void test(`the chart with ${JSON.stringify(values)} is overlays/${overlay}, object by object`, async () => {
    assertSame(await renderOverlay(overlay), await renderChart(values))
  })
}

void test('helm lint has no complaint', async () => {
  const { helm } = await findInstallTools()
  const said = await run(helm, ['lint', '--strict', chart, '--namespace', 'bellhop-system', '--kube-version', '1.32.0'])
  assert.match(said, /0 chart\(s\) failed/)
})

void test('versions: package, chart, image tags and labels are one', async () => {
  const { version } = packageJson
  const about = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8')) as Record<string, unknown>
  assert.equal(about['appVersion'], version)
  for (const rendered of [await renderOverlay('default'), await renderChart()]) {
    for (const program of programs) {
      assert.ok(stringAt(containerOf(rendered, program), 'image')?.endsWith(`:${version}`), program)
    }
    for (const [key, { metadata }] of rendered) {
      assert.equal(metadata.labels?.['app.kubernetes.io/version'], version, key)
      for (const name of ['name', 'instance', 'part-of', 'managed-by'])
        assert.ok(metadata.labels?.[`app.kubernetes.io/${name}`] !== undefined, `${key} has the label ${name}`)
    }
  }
})

void test('selectors are the same whatever the release, its version and its values', async () => {
  const values = {
    image: { tag: 'x' },
    webhook: { podLabels: { team: 'net' } },
    speaker: { podLabels: { team: 'net' } },
  }
  const text = await renderChartText(values)
  const other = readObjects(text.replaceAll('0.1.0', '9.9.9').replaceAll('instance: bellhop', 'instance: other'))
  for (const program of programs) {
    const labels = { 'app.kubernetes.io/name': 'bellhop', 'app.kubernetes.io/component': program }
    const { spec } = get(other, keyOf(program)) as unknown as { readonly spec: unknown }
    assert.deepEqual(objectAt(spec, 'selector', 'matchLabels'), labels)
    const pod = objectAt(spec, 'template', 'metadata', 'labels')
    for (const [key, value] of Object.entries(labels)) assert.equal(pod[key], value)
    if (program !== 'controller') assert.equal(pod['team'], 'net')
  }
})

void test('image: registry, tag, pull policy, pull secrets', async () => {
  const image = { registry: 'registry.example:5000/net/', tag: 'v9', pullPolicy: 'Always', pullSecrets: ['one', 'two'] }
  const rendered = await renderChart({ image })
  for (const program of programs) {
    const name = program === 'speaker' ? 'speaker' : 'control'
    assert.equal(stringAt(containerOf(rendered, program), 'image'), `registry.example:5000/net/bellhop/${name}:v9`)
    assert.equal(stringAt(containerOf(rendered, program), 'imagePullPolicy'), 'Always')
    assert.deepEqual(podOf(rendered, program)['imagePullSecrets'], [{ name: 'one' }, { name: 'two' }])
  }
})

void test('where and how: replicas, tolerations, node selector, affinity, priority, options, resources, annotations', async () => {
  const toleration = { key: 'net', operator: 'Exists', effect: 'NoExecute' }
  const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } }
  const each = {
    ...{ extraArgs: ['--log-level=debug'], priorityClassName: '', nodeSelector: { zone: 'a' }, affinity },
    ...{ tolerations: [toleration], podAnnotations: { note: 'yes' }, resources: { requests: { cpu: '1' } } },
  }
  const rendered = await renderChart({
    webhook: { ...each, replicas: 3, unavailable: 'refuse' },
    controller: { ...each, replicas: 1, logLevel: 'warn' },
    speaker: { ...each, maxUnavailable: '10%' },
    podDisruptionBudget: { enabled: false },
    networkPolicy: { enabled: false },
  })
  for (const program of programs) {
    const pod = podOf(rendered, program)
    const container = containerOf(rendered, program)
    assert.equal(pod['priorityClassName'], undefined, program)
    assert.deepEqual(pod['nodeSelector'], { 'kubernetes.io/os': 'linux', zone: 'a' })
    assert.deepEqual(pod['affinity'], affinity)
    assert.deepEqual(listAt(pod, 'tolerations').at(-1), toleration)
    assert.equal(stringsAt(container, 'args').at(-1), '--log-level=debug')
    // Helm merges maps: what is not named keeps its default.
    assert.deepEqual(objectAt(container, 'resources', 'requests')['cpu'], '1')
    const { spec } = get(rendered, keyOf(program)) as unknown as { readonly spec: unknown }
    assert.deepEqual(objectAt(spec, 'template', 'metadata', 'annotations'), { note: 'yes' })
  }
  assert.equal(numberAt(get(rendered, keyOf('webhook')), 'spec', 'replicas'), 3)
  assert.equal(numberAt(get(rendered, keyOf('controller')), 'spec', 'replicas'), 1)
  assert.equal(listAt(podOf(rendered, 'speaker'), 'tolerations').length, 1)
  assert.ok(stringsAt(containerOf(rendered, 'webhook'), 'args').includes('--unavailable=refuse'))
  const update = objectAt(get(rendered, keyOf('speaker')), 'spec', 'updateStrategy', 'rollingUpdate')
  assert.deepEqual(update, { maxUnavailable: '10%' })
  for (const key of rendered.keys()) assert.doesNotMatch(key, /^(PodDisruptionBudget|NetworkPolicy) /)
})

void test('definitions: kept at an uninstall, unless asked otherwise; left out where others apply them', async () => {
  const definitions = (rendered: Rendered): readonly KubeManifest[] =>
    [...rendered.values()].filter(({ kind }) => kind === 'CustomResourceDefinition')
  const usual = definitions(await renderChart())
  assert.equal(usual.length, 6)
  for (const { metadata } of usual) assert.deepEqual(metadata.annotations, kept)
  for (const { metadata } of definitions(await renderChart({ crds: { keep: false } })))
    assert.equal(metadata.annotations, undefined)
  assert.deepEqual(definitions(await renderChart({ crds: { install: false } })), [])
})

void test('monitoring: labels for an operator that selects by them', async () => {
  const rendered = await renderChart({ monitoring: { enabled: true, labels: { release: 'stack' } } })
  for (const kind of ['PodMonitor', 'PrometheusRule']) {
    const { labels } = get(rendered, `${kind} bellhop-system/bellhop`).metadata
    assert.equal(labels?.['release'], 'stack')
    assert.equal(labels['app.kubernetes.io/name'], 'bellhop')
  }
})

void test('what makes no sense is refused, and the sentence names it', async () => {
  const refused: readonly (readonly [Values, RegExp])[] = [
    [{ webhook: { replicas: 0 } }, /at '\/webhook\/replicas': minimum: got 0, want 1/],
    [{ webook: {} }, /additional properties 'webook' not allowed/],
    [{ speaker: { nodeSelector: { rack: 1 } } }, /at '\/speaker\/nodeSelector\/rack': got number, want string/],
    [{ controller: { logLevel: 'verbose' } }, /at '\/controller\/logLevel': value must be one of/],
    [{ webhook: { unavailable: 'ignore' } }, /at '\/webhook\/unavailable': value must be one of/],
    [{ speaker: { extraArgs: ['log-level=debug'] } }, /at '\/speaker\/extraArgs\/0': .*does not match pattern/],
    [{ speaker: { maxUnavailable: '0%' } }, /at '\/speaker\/maxUnavailable'/],
    [{ image: { registry: 'https://registry.example' } }, /at '\/image\/registry': .*does not match pattern/],
    [{ controller: { resources: { limits: { memory: '4 GB' } } } }, /at '\/controller\/resources\/limits\/memory'/],
  ]
  for (const [values, sentence] of refused) await assert.rejects(renderChart(values), { message: sentence })
  await assert.rejects(renderChart({}, ['--namespace', 'elsewhere']), {
    message: /installed into the namespace bellhop-system, not elsewhere/,
  })
  await assert.rejects(renderChart({}, ['--kube-version', '1.31.0']), { message: /requires kubeVersion: >=1\.32/ })
})
