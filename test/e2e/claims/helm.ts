// The chart with helm itself: over an installation by kubectl, upgraded, rolled back, uninstalled, installed.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { findInstallTools } from '../../install/build.ts'
import { type Rendered, chart, renderChart, renderOverlay } from '../../install/render.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { createService, deleteService } from '../address-steps.ts'
import { type Claim, expect, getService, ingressOf, kubectl, waitForIngress } from '../claim.ts'
import { master, nextHopsBecome, worker1, worker2 } from '../route-steps.ts'

const programs = ['webhook', 'controller', 'speaker'] as const
const release = ['bellhop', '--namespace', 'bellhop-system', '--wait', '--timeout', '120s'] as const
const labelled = ['--set', 'speaker.nodeSelector.lb\\.kubesphere\\.io/v1alpha1=openelb'] as const

/** Standard output of a helm that must succeed; it keeps its caches in a folder of its own. */
async function helm(lab: Lab, command: string, ...args: readonly string[]): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'bellhop-helm-'))
  try {
    const { helm: program } = await findInstallTools()
    const access = ['--kubeconfig', lab.files.kubeconfig]
    return await lab.read('master', [program, command, ...release, ...access, ...args], {
      env: { HOME: home },
      timeoutMs: 150_000,
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

const pidsOf = (lab: Lab): readonly string[] =>
  programs
    .flatMap((name) =>
      lab
        .program(name)
        .pids()
        .map((pid) => `${name} ${pid}`),
    )
    .toSorted()

async function echoAddress(lab: Lab): Promise<string> {
  return ingressOf(await getService(lab, 'echo'))[0] ?? ''
}

async function speakerArguments(lab: Lab): Promise<string> {
  const path = ['-n', 'bellhop-system', 'get', 'daemonset', 'bellhop-speaker']
  const { out } = await kubectl(lab, [...path, '-o', 'jsonpath={.spec.template.spec.containers[0].args}'])
  return out
}

/** Name and generation of each: a definition that is written anew has another. */
async function definitions(lab: Lab): Promise<string> {
  const columns = 'custom-columns=:metadata.name,:metadata.uid,:metadata.generation'
  const { out } = await kubectl(lab, ['get', 'crd', '--no-headers', '-o', columns])
  return out.trim().replaceAll(/ +/g, ' ').replaceAll('\n', ', ')
}

/** Kinds of the Prometheus operator, which the lab's cluster does not have. */
const unknownKinds = ['PodMonitor', 'PrometheusRule']

const everything = {
  image: { registry: 'registry.example/net', pullSecrets: ['registry'] },
  webhook: {
    ...{ replicas: 3, spread: false, unavailable: 'refuse', podAnnotations: { note: 'a' }, podLabels: { team: 'net' } },
    ...{
      tolerations: [{ key: 'net', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
      priorityClassName: '',
    },
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { team: 'net' } } },
        ],
      },
    },
  },
  speaker: { maxUnavailable: '10%', nodeSelector: { rack: 'a' }, extraArgs: ['--log-level=debug'] },
  networkPolicy: { scrapers: [{ ipBlock: { cidr: '192.0.2.0/24' } }] },
  monitoring: { enabled: true, labels: { release: 'stack' } },
}

/** How many objects the API server would take as they are. */
async function dryRun(lab: Lab, rendered: Rendered): Promise<number> {
  const items = [...rendered.values()].filter(({ kind }) => !unknownKinds.includes(kind))
  const args = ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-o', 'name', '-f', '-']
  const { ok, out, said } = await kubectl(lab, args, { apiVersion: 'v1', kind: 'List', items })
  expect(ok, said)
  const taken = out.trim().split('\n').length
  expect(taken === items.length, `${taken} of ${items.length} objects`)
  return taken
}

const leaf1 = [master, worker1]
const leaf2 = [worker2]

export const helmChart: readonly Claim[] = [
  {
    name: 'every overlay, and a chart with every value set, is what the API server takes as it stands (helm, kustomize)',
    async run(lab) {
      const seen: string[] = []
      for (const overlay of ['default', 'single-node', 'prometheus'])
        seen.push(`${overlay} ${await dryRun(lab, await renderOverlay(overlay))}`)
      seen.push(`chart ${await dryRun(lab, await renderChart(everything))}`)
      return `objects: ${seen.join(', ')}`
    },
  },
  {
    name: 'helm install --take-ownership over what kubectl applied: not one program is restarted, the notes say what comes next',
    async run(lab) {
      const before = pidsOf(lab)
      const startMs = performance.now()
      const notes = await helm(lab, 'install', chart, '--take-ownership', ...labelled)
      const tookMs = performance.now() - startMs
      expect(pidsOf(lab).join() === before.join(), `before ${before.join()}, after ${pidsOf(lab).join()}`)
      expect(/kubectl label node NODE lb\.kubesphere\.io\/v1alpha1=openelb/.test(notes), notes)
      return `${before.length} programs, ${(tookMs / 1000).toFixed(1)} s`
    },
  },
  {
    name: 'helm upgrade brings what its values say, helm rollback takes it back; the address stays and so does the way to it',
    async run(lab) {
      const address = await echoAddress(lab)
      const seen: string[] = []
      for (const [level, ...command] of [
        ['debug', 'upgrade', chart, ...labelled, '--set', 'speaker.logLevel=debug'],
        ['info', 'rollback'],
      ] as const) {
        const [name, ...args] = command
        const before = lab.program('speaker').pids()
        const startMs = performance.now()
        await helm(lab, name, ...args)
        expect((await speakerArguments(lab)).includes(`--log-level=${level}`), await speakerArguments(lab))
        const pids = lab.program('speaker').pids()
        expect(pids.length === before.length && pids.every((pid) => !before.includes(pid)), 'a speaker is the same')
        expect((await echoAddress(lab)) === address, `echo has ${await echoAddress(lab)}, it had ${address}`)
        await nextHopsBecome(lab, address, leaf1, leaf2, 60_000)
        seen.push(`${name} ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
      }
      return seen.join(', ')
    },
  },
  {
    name: 'helm upgrade with crds.install=false leaves the definitions as they are, and one without takes them up again',
    async run(lab) {
      const before = await definitions(lab)
      const pids = pidsOf(lab)
      await helm(lab, 'upgrade', chart, ...labelled, '--set', 'crds.install=false')
      expect((await definitions(lab)) === before, `before ${before}, after ${await definitions(lab)}`)
      await helm(lab, 'upgrade', chart, ...labelled)
      expect((await definitions(lab)) === before, `before ${before}, after ${await definitions(lab)}`)
      expect(pidsOf(lab).join() === pids.join(), 'a program was restarted')
      return `${before.split(', ').length} definitions`
    },
  },
  {
    name: 'helm uninstall leaves definitions, pools and addresses; helm install into that: Services have what they had, new ones an address',
    async run(lab) {
      const address = await echoAddress(lab)
      const kinds = ['get', 'eips,bgpconfs,bgppeers,eipallocations', '-o', 'name']
      const before = (await kubectl(lab, kinds)).out
      expect(before.includes('eip.network.kubesphere.io/'), `there is no Eip: ${before}`)
      await helm(lab, 'uninstall')
      const running = (): readonly string[] =>
        lab.pods().flatMap(({ pod }) => (pod.namespace === 'bellhop-system' ? pod.name : []))
      await waitFor('no Pod of Bellhop is left', () => Promise.resolve(running().length === 0), {
        timeoutMs: 60_000,
        missing: () => running().join(),
      })
      const { out: left } = await kubectl(lab, kinds)
      expect(left === before, `before ${before}, after ${left}`)
      expect((await echoAddress(lab)) === address, 'echo has lost its address')
      const startMs = performance.now()
      await helm(lab, 'install', chart, ...labelled)
      const readyMs = performance.now() - startMs
      await nextHopsBecome(lab, address, leaf1, leaf2, 60_000)
      await createService(lab, { name: 'by-helm' })
      const ingress = ingressOf(await waitForIngress(lab, 'by-helm', undefined, { timeoutMs: 60_000 }))
      await deleteService(lab, 'by-helm')
      return `installed in ${(readyMs / 1000).toFixed(1)} s, ${address} announced again, a new Service has ${ingress.join()}`
    },
  },
]
