// What `speaker --cleanup` and a speaker that leaves for good do to the kernel.
import type { Netlink, NetlinkAnswer } from '../src/io/net/netlink.ts'

/** Removes every route and rule of ours, and nothing else; says how many there were. */
export async function removeAll(netlink: Netlink): Promise<NetlinkAnswer<{ routes: number; rules: number }>> {
  const routes = await netlink.routes()
  if (!routes.ok) return routes
  const rules = await netlink.rules()
  if (!rules.ok) return rules
  const answers = await Promise.all([
    ...routes.value.map((route) => netlink.removeRoute(route)),
    ...rules.value.map((rule) => netlink.removeRule(rule)),
  ])
  const failed = answers.find((answer) => !answer.ok && answer.error.code !== 'Missing')
  if (failed !== undefined && !failed.ok) return failed
  return { ok: true, value: { routes: routes.value.length, rules: rules.value.length } }
}
