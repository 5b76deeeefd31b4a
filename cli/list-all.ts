// A whole list, in pages, of raw objects; begun anew once when it grew too old between two of them.
import type { Answer, KubeClient, KubeObject, Resource, Selection } from '../src/io/kube/interface.ts'

const pageSize = 500

export async function listAll(
  client: KubeClient,
  resource: Resource,
  selection: Selection = {},
): Promise<Answer<readonly KubeObject[]>> {
  let items: KubeObject[] = []
  let next: string | undefined
  let mayBeginAnew = true
  for (;;) {
    const answer = await client.list(resource, { ...selection, limit: pageSize, continue: next })
    if (!answer.ok) {
      if (answer.error.code !== 'Gone' || !mayBeginAnew) return answer
      mayBeginAnew = false
      items = []
      next = undefined
      continue
    }
    items.push(...answer.value.items)
    next = answer.value.continue
    if (next === undefined) return { ok: true, value: items }
  }
}
