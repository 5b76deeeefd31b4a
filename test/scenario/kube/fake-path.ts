// Paths of the API → what they name.
import { collectionOf } from './fake-store.ts'

export interface Target {
  readonly collection: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

/** `/apis/GROUP/VERSION/[namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]]`. */
export function readTarget(path: string): Target | undefined {
  const steps = path
    .split('/')
    .filter((step) => step !== '')
    .map(decodeURIComponent)
  const group = steps[0] === 'apis' ? (steps[1] ?? '') : ''
  let rest = steps.slice(steps[0] === 'apis' ? 3 : 2)
  let namespace: string | undefined
  if (rest[0] === 'namespaces' && rest.length >= 3 && rest[2] !== 'status') {
    namespace = rest[1]
    rest = rest.slice(2)
  }
  const [plural, name, subresource] = rest
  if (plural === undefined) return undefined
  return { collection: collectionOf({ group, plural }), namespace, name, subresource }
}
