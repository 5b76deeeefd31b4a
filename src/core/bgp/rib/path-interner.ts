import { formatIp } from '../../address/index.ts'
import type { Path, RouteAttributes } from '../model.ts'

const mostRemembered = 4096

/**
 * Gives equal lists of paths one identity, so that ten thousand prefixes behind the same nodes hold one list. Forgets
 * all when it has seen many: two equal lists may then differ in identity, which costs an UPDATE, never an error.
 */
export class PathInterner {
  readonly #lists = new Map<string, readonly Path[]>()

  intern(paths: readonly Path[]): readonly Path[] {
    const key = paths.map(pathKey).join('/')
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    if (this.#lists.size >= mostRemembered) this.#lists.clear()
    this.#lists.set(key, paths)
    return paths
  }
}

function pathKey({ id, nextHop, attributes }: Path): string {
  return `${id} ${nextHop === 'self' ? nextHop : formatIp(nextHop)} ${attributesKey(attributes)}`
}

/** Equal for equal attributes only. */
export function attributesKey(attributes: RouteAttributes): string {
  const { med, localPref, asPathPrepend, communities, largeCommunities } = attributes
  return `${med ?? ''},${localPref ?? ''},${asPathPrepend ?? ''},${communities?.join(' ') ?? ''},${largeCommunities?.join(' ') ?? ''}`
}
