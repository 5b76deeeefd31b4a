import { formatIp } from '../../address/index.ts'
import { Interner } from '../../interner.ts'
import type { Path, RouteAttributes } from '../model.ts'

/**
 * Gives equal lists of paths one identity, so that ten thousand prefixes behind the same nodes hold one list. Two equal
 * lists that differ in identity all the same cost an UPDATE, never an error.
 */
export class PathInterner extends Interner<readonly Path[]> {
  constructor() {
    super((paths) => paths.map(pathKey).join('/'))
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
