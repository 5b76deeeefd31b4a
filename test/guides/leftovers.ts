// What a page has made or changed in the cluster and not put back.
import { isDeepStrictEqual } from 'node:util'

import type { Lab } from '../lab/index.ts'
import { waitFor } from '../lab/wait.ts'

const bellhop = '/apis/network.kubesphere.io/v1alpha2'
const paths = {
  namespaces: '/api/v1/namespaces',
  services: '/api/v1/services',
  deployments: '/apis/apps/v1/deployments',
  secrets: '/api/v1/namespaces/bellhop-peers/secrets',
  nodes: '/api/v1/nodes',
  eips: `${bellhop}/eips`,
  bgpconfs: `${bellhop}/bgpconfs`,
  bgppeers: `${bellhop}/bgppeers`,
} as const

interface Item {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: Readonly<Record<string, unknown>>
}

interface Standing {
  /** Path of the object itself. */
  readonly path: string
  readonly item: Item
  /** What of it a page may not leave changed. */
  readonly mark: unknown
}

/** Every object of the kinds that pages touch, by its path. */
export type Scene = ReadonlyMap<string, Standing>

export async function readScene(lab: Lab): Promise<Scene> {
  const scene = new Map<string, Standing>()
  for (const [kind, list] of Object.entries(paths)) {
    const { items } = (await lab.request('GET', list)) as { readonly items: readonly Item[] }
    for (const item of items) {
      const path = pathOf(list, item)
      scene.set(path, { path, item, mark: markOf(kind, item) })
    }
  }
  return scene
}

function pathOf(list: string, { metadata: { name, namespace } }: Item): string {
  if (namespace === undefined || list.includes('/namespaces/')) return `${list}/${name}`
  const cut = list.lastIndexOf('/')
  return `${list.slice(0, cut)}/namespaces/${namespace}${list.slice(cut)}/${name}`
}

function markOf(kind: string, { metadata, spec }: Item): unknown {
  // kubectl's own note of what was applied says nothing about the object.
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => !key.startsWith('kubectl.'))
  switch (kind) {
    case 'nodes':
      return [metadata.labels, annotations.filter(([key]) => key.startsWith('bellhop.dev/')), spec?.['unschedulable']]
    case 'services':
    case 'deployments':
      return metadata.namespace === 'bellhop-system' ? 'its own' : spec
    case 'eips':
    case 'bgpconfs':
    case 'bgppeers':
      return [spec, annotations]
    default:
      return 'there'
  }
}

/** What differs, a sentence each; nothing when the page took away what it made. */
export function differences(before: Scene, after: Scene): readonly string[] {
  const found: string[] = []
  for (const { path } of after.values()) if (!before.has(path)) found.push(`${path} is left`)
  for (const { path, mark } of before.values()) {
    const now = after.get(path)
    if (now === undefined) found.push(`${path} is gone`)
    else if (!isDeepStrictEqual(now.mark, mark)) found.push(`${path} is changed`)
  }
  return found
}

/** Resolves once all is as before; rejects with what is not, after putting it back as well as it can be. */
export async function expectAsBefore(lab: Lab, before: Scene): Promise<void> {
  let wrong: readonly string[] = []
  try {
    await waitFor(
      'the page has taken away what it made and put back what it changed',
      async () => {
        wrong = differences(before, await readScene(lab))
        return wrong.length === 0
      },
      { timeoutMs: 30_000, everyMs: 250, missing: () => wrong.join(', ') },
    )
  } catch (error) {
    await putBack(lab, before)
    throw error
  }
}

/** After a page that was not taken to its end. */
export async function putBack(lab: Lab, before: Scene): Promise<void> {
  const after = await readScene(lab)
  const tolerate = (): void => {}
  for (const { path } of after.values()) {
    if (before.has(path)) continue
    if (path.includes('/eips/'))
      await lab
        .request('PATCH', path, { metadata: { annotations: { 'bellhop.dev/force-delete': 'true' } } })
        .catch(tolerate)
    await lab.request('DELETE', path).catch(tolerate)
  }
  for (const { path, item, mark } of before.values()) {
    const now = after.get(path)
    if (now === undefined || isDeepStrictEqual(now.mark, mark)) continue
    const { labels, annotations } = item.metadata
    const cleared = (keys: object | undefined): Record<string, null> =>
      Object.fromEntries(Object.keys(keys ?? {}).map((key) => [key, null]))
    await lab
      .request('PATCH', path, {
        metadata: {
          labels: { ...cleared(now.item.metadata.labels), ...labels },
          annotations: { ...cleared(now.item.metadata.annotations), ...annotations },
        },
        ...(item.spec && { spec: { ...cleared(now.item.spec), ...item.spec } }),
      })
      .catch(tolerate)
  }
}
