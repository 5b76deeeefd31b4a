// The kernel's routes and rules as far as ours meet those of others: a place of a route is (address, table, metric), one
// route to a place; rules that differ in their protocol number alone stand side by side.
import { setImmediate as turn } from 'node:timers/promises'

import { formatIp } from '../../../src/core/address/index.ts'
import { type HostRoute, type HostRule, routeKey, ruleKey } from '../../../src/core/routes/index.ts'
import type { NetlinkAnswer, NetlinkErrorCode } from '../../../src/io/net/netlink.ts'
import type { ForeignRoute, ForeignRule, Kernel } from './kernel.ts'

const done: NetlinkAnswer<void> = { ok: true, value: undefined }
const no = (code: NetlinkErrorCode): NetlinkAnswer<void> => ({ ok: false, error: { code, message: code } })

export function modelKernel(): Kernel {
  const routes = new Map<string, HostRoute | 'foreign'>()
  const rules = new Map<string, HostRule | 'foreign'>()
  const placeOf = (route: HostRoute): string => `${routeKey(route)} 0`
  const foreignPlace = ({ address, table, metric }: ForeignRoute): string => `${formatIp(address)} ${table} ${metric}`
  const foreignRule = ({ family, table }: ForeignRule): string => `${family} tcp to ${table} of others`
  const removeForeign = <T>(table: Map<string, T | 'foreign'>, key: string): void => {
    if (table.get(key) === 'foreign') table.delete(key)
  }
  const takeOurs = <T>(table: Map<string, T | 'foreign'>, key: string): boolean =>
    table.has(key) && table.get(key) !== 'foreign' && table.delete(key)
  const oursIn = <T>(table: ReadonlyMap<string, T | 'foreign'>): readonly T[] =>
    [...table.values()].filter((each): each is Exclude<typeof each, 'foreign'> => each !== 'foreign')
  return {
    netlink: {
      // A dump takes a while; what others do meanwhile it has or has not.
      routes: async () => {
        await turn()
        return { ok: true, value: oursIn(routes) }
      },
      hasExactly: async (expected) => {
        await turn()
        const ours = oursIn(routes).map(routeKey)
        return { ok: true, value: ours.length === expected.size && ours.every((key) => expected.has(key)) }
      },
      rules: async () => {
        await turn()
        return { ok: true, value: oursIn(rules) }
      },
      addRoute: async (route) => {
        if (routes.has(placeOf(route))) return no('Exists')
        routes.set(placeOf(route), route)
        return done
      },
      removeRoute: async (route) => (takeOurs(routes, placeOf(route)) ? done : no('Missing')),
      addRule: async (rule) => {
        if (rules.has(ruleKey(rule))) return no('Exists')
        rules.set(ruleKey(rule), rule)
        return done
      },
      removeRule: async (rule) => (takeOurs(rules, ruleKey(rule)) ? done : no('Missing')),
      close: () => {},
    },
    addForeign: (route) => {
      const isFree = !routes.has(foreignPlace(route))
      if (isFree) routes.set(foreignPlace(route), 'foreign')
      return isFree
    },
    removeForeign: (route) => removeForeign(routes, foreignPlace(route)),
    addForeignRule: (rule) => void rules.set(foreignRule(rule), 'foreign'),
    removeForeignRule: (rule) => removeForeign(rules, foreignRule(rule)),
    removeOurRoute: (route) => takeOurs(routes, placeOf(route)),
    removeOurRule: (rule) => takeOurs(rules, ruleKey(rule)),
    addStray: (route) => void (routes.has(placeOf(route)) || routes.set(placeOf(route), route)),
    snapshot: () => ({
      ours: [...oursIn(routes).map(routeKey), ...oursIn(rules).map(ruleKey)].toSorted(),
      foreign: [...routes, ...rules].flatMap(([key, what]) => (what === 'foreign' ? [key] : [])).toSorted(),
    }),
  }
}
