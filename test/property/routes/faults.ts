// A kernel that fails now and then, as netlink does.
import { type HostRoute, routeKey } from '../../../src/core/routes/index.ts'
import type { Netlink, NetlinkAnswer, NetlinkErrorCode } from '../../../src/io/net/netlink.ts'

/**
 * - `refused`: ENOBUFS, nothing was done (of a dump: EINTR).
 * - `unanswered`: it was done, and the answer was lost.
 * - `wrong`: EEXIST of an add, ESRCH of a removal, which it does not do; a dump that leaves out every other entry, as one
 *   does that was interrupted.
 */
export type Fault = 'refused' | 'unanswered' | 'wrong'

export interface FaultyNetlink extends Netlink {
  /** For the requests to come, one each; undefined: that one goes well. */
  fail(faults: readonly (Fault | undefined)[]): void
}

const failed = (
  code: NetlinkErrorCode,
): { readonly ok: false; readonly error: { code: NetlinkErrorCode; message: string } } => ({
  ok: false,
  error: { code, message: code },
})

export function faultyNetlink(netlink: Netlink): FaultyNetlink {
  let coming: (Fault | undefined)[] = []
  const change =
    <T>(act: (item: T) => Promise<NetlinkAnswer<void>>, wrong: NetlinkErrorCode) =>
    async (item: T): Promise<NetlinkAnswer<void>> => {
      const fault = coming.shift()
      if (fault === 'refused') return failed('Failed')
      if (fault === 'wrong') return failed(wrong)
      const answer = await act(item)
      return fault === 'unanswered' ? failed('Failed') : answer
    }
  const dump =
    <T>(list: () => Promise<NetlinkAnswer<readonly T[]>>) =>
    async (): Promise<NetlinkAnswer<readonly T[]>> => {
      const fault = coming.shift()
      if (fault === 'refused' || fault === 'unanswered') return failed('Failed')
      const answer = await list()
      if (fault === undefined || !answer.ok) return answer
      return { ok: true, value: answer.value.filter((_, at) => at % 2 === 0) }
    }
  const routes = dump(() => netlink.routes())
  const isIn = (expected: ReadonlyMap<string, HostRoute>) => (route: HostRoute) => expected.has(routeKey(route))
  return {
    fail: (faults) => void (coming = [...faults]),
    routes,
    hasExactly: async (expected) => {
      const listed = await routes()
      if (!listed.ok) return listed
      return { ok: true, value: listed.value.length === expected.size && listed.value.every(isIn(expected)) }
    },
    rules: dump(() => netlink.rules()),
    addRoute: change((route) => netlink.addRoute(route), 'Exists'),
    removeRoute: change((route) => netlink.removeRoute(route), 'Missing'),
    addRule: change((rule) => netlink.addRule(rule), 'Exists'),
    removeRule: change((rule) => netlink.removeRule(rule), 'Missing'),
    close: () => netlink.close(),
  }
}
