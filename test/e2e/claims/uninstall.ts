// Bellhop is taken away in the worst order: its programs die first, then its definitions, policies and namespaces go, all
// at once. The last claim of the check: nothing of Bellhop is left after it.
import { dirname, join } from 'node:path'
import { labelledOverlay } from '../../lab/bellhop.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { createService, deleteService } from '../address-steps.ts'
import { type Claim, expect, getOrUndefined, kubectl, waitForIngress } from '../claim.ts'

const samples = join(dirname(dirname(labelledOverlay)), 'samples/openelb')
const group = 'network.kubesphere.io'

/** What is being deleted and still there, of all kinds that Bellhop has anything to do with. */
async function terminating(lab: Lab): Promise<readonly string[]> {
  const found: string[] = []
  for (const path of [
    '/api/v1/namespaces',
    '/api/v1/services',
    '/api/v1/pods',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    '/apis/apps/v1/deployments',
    '/apis/apps/v1/daemonsets',
  ]) {
    const { items } = (await lab.request('GET', path)) as {
      items: { metadata: { namespace?: string; name: string; deletionTimestamp?: string } }[]
    }
    for (const { metadata } of items) {
      if (metadata.deletionTimestamp !== undefined) found.push(`${path.split('/').at(-1) ?? ''} ${metadata.name}`)
    }
  }
  return found
}

export const uninstall: readonly Claim[] = [
  {
    name: 'OPS-01 uninstall with the programs dead and in no order: nothing stays in Terminating',
    async run(lab) {
      await createService(lab, { name: 'left-over' })
      await waitForIngress(lab, 'left-over')
      await Promise.all(['controller', 'webhook', 'speaker'].map((name) => lab.program(name).stop('SIGKILL')))
      const startMs = performance.now()
      // Some Services before, some after; the configuration and the definitions beneath it at the same time.
      await deleteService(lab, 'left-over')
      const drop = (...args: readonly string[]): ReturnType<typeof kubectl> =>
        kubectl(lab, ['delete', '--ignore-not-found', '--wait=false', ...args])
      await Promise.all([
        drop('-k', labelledOverlay),
        drop('crd', ...['eips', 'bgpconfs', 'eipallocations', 'speakers'].map((plural) => `${plural}.${group}`)),
        drop('-k', samples),
      ])
      let hanging: readonly string[] = []
      await waitFor(
        'nothing is in Terminating',
        async () => {
          hanging = await terminating(lab)
          return hanging.length === 0
        },
        { timeoutMs: 60_000, everyMs: 300, missing: () => hanging.join(', ') },
      )
      for (const path of ['/api/v1/namespaces/bellhop-system', '/api/v1/namespaces/bellhop-peers']) {
        expect((await getOrUndefined(lab, path)) === undefined, `${path} is still there`)
      }
      const { out } = await kubectl(lab, ['get', 'crd', '-o', 'name'])
      expect(!out.includes(group), `definitions are left: ${out}`)
      const { ok, said } = await kubectl(lab, ['create', 'service', 'loadbalancer', 'afterwards', '--tcp=80:80'])
      expect(ok, `a Service cannot be created any more: ${said}`)
      await deleteService(lab, 'afterwards')
      return `all gone ${((performance.now() - startMs) / 1000).toFixed(1)} s after the first delete; Services are created as ever`
    },
  },
]
