// Every page of docs/guide, its commands run in order as its reader would run them: test/guides/README.md has the rules.
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'

import { runGuide } from '../../guides/run.ts'
import { expectAsBefore, putBack, readScene } from '../../guides/leftovers.ts'
import { deployBellhop, labelledOverlay, openelbSamples, porterSamples } from '../../lab/bellhop.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { type Claim, kubectl } from '../claim.ts'
import { addressOf, hasSpeaker, rackKey, routesAreBack, speakerCommand } from '../route-steps.ts'

/** As every lab begins. */
const racks = { master: 'leaf1', worker2: 'leaf2' } as const
const fixtures = join(import.meta.dirname, '../../guides')
const folder = join(import.meta.dirname, '../../../docs/guide')

type Stage = <T>(lab: Lab, show: () => Promise<T>) => Promise<T>

/** What a page finds besides Bellhop, where that is not what the claims before it have. */
const stages: Readonly<Record<string, Stage>> = {
  'first-service.md': onEmptyCluster,
  'from-openelb.md': onClusterOfOpenElb,
}

/** A page about moving in does not move out again. */
const staying: readonly string[] = ['from-openelb.md']

/** Without pools, routers and Services; all is as before afterwards. */
async function onEmptyCluster<T>(lab: Lab, show: () => Promise<T>): Promise<T> {
  const nodes = ['master', 'worker2'] as const
  try {
    for (const node of nodes) await lab.labelNode(node, rackKey, null)
    for (const samples of [porterSamples, openelbSamples]) {
      const { ok, said } = await kubectl(lab, ['delete', '--ignore-not-found', '-k', samples])
      // The Eip stays until its addresses are given back.
      if (!ok && !/eip/i.test(said)) throw new Error(said)
    }
    await waitFor(
      'the Eip of the samples is gone',
      async () => {
        return (await kubectl(lab, ['delete', '--ignore-not-found', 'eip', '--all'])).ok
      },
      { timeoutMs: 30_000, everyMs: 250 },
    )
    return await show()
  } finally {
    for (const node of nodes) await lab.labelNode(node, rackKey, racks[node])
    await deployBellhop(lab, { overlay: labelledOverlay })
    await lab.deploy(openelbSamples)
    await lab.deploy(porterSamples)
    await waitFor('no speaker is left on worker1', () => !hasSpeaker(lab, 'worker1'), { timeoutMs: 60_000 })
    await lab.exec('worker1', speakerCommand('--cleanup'))
    for (const name of ['lease/speaker-worker1', 'speaker/worker1']) {
      await kubectl(lab, ['-n', 'bellhop-system', 'delete', '--ignore-not-found', name])
    }
    await routesAreBack(lab, await addressOf(lab, 'echo'))
  }
}

/** Without Bellhop, with what an OpenELB 0.6 has left; all is as before afterwards. */
async function onClusterOfOpenElb<T>(lab: Lab, show: () => Promise<T>): Promise<T> {
  const must = async (...args: readonly string[]): Promise<void> => {
    const { ok, said } = await kubectl(lab, args)
    if (!ok) throw new Error(said)
  }
  return onEmptyCluster(lab, async () => {
    for (const [node, rack] of Object.entries(racks)) await lab.labelNode(node as keyof typeof racks, rackKey, rack)
    try {
      await must('delete', '--ignore-not-found', '-k', labelledOverlay)
      const [definitions, cluster] = ['openelb-definitions.yaml', 'openelb-cluster.yaml'].map((name) =>
        join(fixtures, name),
      )
      await must('apply', '-f', definitions ?? '')
      await must('wait', '--for=condition=Established', '--timeout=30s', '-f', definitions ?? '')
      await must('apply', '-f', cluster ?? '')
      const ingress = [{ ip: '172.22.0.17' }]
      await lab.request('PATCH', '/api/v1/namespaces/default/services/shop/status', {
        status: { loadBalancer: { ingress } },
      })
      return await show()
    } finally {
      await kubectl(lab, ['delete', '--ignore-not-found', 'validatingwebhookconfiguration', 'openelb-admission'])
      await kubectl(lab, ['delete', '--ignore-not-found', 'namespace', 'openelb-system'])
      await kubectl(lab, ['delete', '--ignore-not-found', 'service/shop', 'deployment/shop'])
      await deployBellhop(lab, { overlay: labelledOverlay })
      await waitFor(
        'its objects are gone',
        async () => {
          const deleted = await kubectl(lab, [
            'delete',
            '--ignore-not-found',
            'bgpconf/default',
            'bgppeer/leaf1',
            'bgppeer/leaf2',
            'eip/production',
          ])
          return deleted.ok
        },
        { timeoutMs: 30_000, everyMs: 250 },
      )
    }
  })
}

const asItStands: Stage = (_lab, show) => show()

function claimOf(page: string): Claim {
  return {
    name: `docs/guide/${page}: every command does what the page says${staying.includes(page) ? '' : ', and the page leaves nothing behind'}`,
    run: (lab) =>
      (stages[page] ?? asItStands)(lab, async () => {
        const before = await readScene(lab)
        const report = await runGuide(lab, join(folder, page)).catch(async (error: unknown) => {
          if (!staying.includes(page)) await putBack(lab, before)
          throw error
        })
        if (!staying.includes(page)) await expectAsBefore(lab, before)
        const untested = report.untested.map((reason) => `; not run: ${reason}`).join('')
        const slow = report.slow.map(({ line, seconds }) => `; line ${line} took ${seconds.toFixed(1)} s`).join('')
        return `${report.tried} steps taken${slow}${untested}`
      }),
  }
}

const pages = globSync('*.md', { cwd: folder })
  .map((path) => basename(path))
  .filter((page) => page !== 'README.md')
  .toSorted((a, b) => a.localeCompare(b))

export const guides: readonly Claim[] = pages.filter((page) => !staying.includes(page)).map(claimOf)

/** Bellhop goes and comes for these, which takes its time. */
export const longGuides: readonly Claim[] = pages.filter((page) => staying.includes(page)).map(claimOf)
